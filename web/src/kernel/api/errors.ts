/** What the server says when it does not do what was asked; the same fields as in Python. */
export class ApiError extends Error {
  readonly type: string;
  readonly hint: string;
  readonly status: number;
  /** The path of the offending value, such as `$.parameters.alpha`. */
  readonly field: string | undefined;
  readonly retryAfterS: number | undefined;
  /** All that the error carries: `evidence` of a gate, `traceback` of a step. */
  readonly detail: Readonly<Record<string, unknown>>;

  constructor(status: number, problem: Readonly<Record<string, unknown>>, retryAfterS?: number) {
    super(text(problem.message) || `the server answered ${status}`);
    this.name = "ApiError";
    this.status = status;
    this.type = text(problem.type) || "OstinatoError";
    this.hint = text(problem.hint);
    this.field = text(problem.field) || undefined;
    this.retryAfterS = retryAfterS;
    this.detail = problem;
  }
}

/** The server was not reached at all. */
export class Unreachable extends ApiError {
  constructor(cause: unknown) {
    super(0, {
      type: "Unreachable",
      message: "The server is out of reach",
      hint: "Is it running, and is this computer online?",
    });
    this.cause = cause;
  }
}

export async function errorOf(reply: Response): Promise<ApiError> {
  const retryAfter = Number(reply.headers.get("retry-after"));
  const body: unknown = await reply.json().catch(() => undefined);
  const problem = isRecord(body) && isRecord(body.error) ? body.error : {};
  return new ApiError(reply.status, problem, retryAfter || undefined);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
