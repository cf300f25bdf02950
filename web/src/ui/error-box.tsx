import { TriangleAlert } from "lucide-react";
import { ApiError } from "../kernel/api/errors";
import { Button } from "./button";
import "./error-box.css";

interface ErrorBoxProps {
  error: unknown;
  /** Runs again what failed; what is not there is not asked for again. */
  retry?: () => void;
}

/** What went wrong and what to do about it, in the server's own words. */
export function ErrorBox({ error, retry }: ErrorBoxProps) {
  const { message, hint } = words(error);
  return (
    <div className="error-box" role="alert">
      <TriangleAlert size={16} aria-hidden />
      <div className="error-box-text">
        <p className="error-box-message">{message}</p>
        {hint && <p className="error-box-hint">{hint}</p>}
      </div>
      {retry && !(error instanceof ApiError && error.status === 404) && (
        <Button small onClick={retry}>
          Try again
        </Button>
      )}
    </div>
  );
}

function words(error: unknown): { message: string; hint?: string | undefined } {
  if (error instanceof ApiError) return { message: opened(error.message), hint: opened(error.hint) };
  return { message: error instanceof Error ? error.message : String(error) };
}

/** As a sentence begins, where its first word is one: errors are phrases, that programs put into sentences of their own. */
function opened(text: string): string {
  return /^[a-z]+,? /.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
}
