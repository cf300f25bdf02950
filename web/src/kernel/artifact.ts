/** Where a file of a run can be shown in a frame or an image; the server lets nothing out of it and nothing in. */
export function artifactAddress(project: string, run: string, path: string): string {
  const places = [project, run, ...path.split("/")];
  return `/frames/${places.map(encodeURIComponent).join("/")}`;
}
