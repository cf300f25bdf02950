import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { lastProject } from "../kernel/project";
import { newQueries } from "../kernel/queries";
import { applyTheme } from "../kernel/theme";
import "../ui/tokens.css";
import "../ui/base.css";
import "../ui/controls.css";
import { takeMlflowLink } from "./mlflow-links";
import { newRouter } from "./routes";
import { backTo, hasCode, takeCode } from "./sign-in/way";

applyTheme();
takeCode();
takeMlflowLink(lastProject());

const queries = newQueries(() => {
  if (!location.pathname.startsWith("/sign-in")) void router.navigate({ to: "/sign-in", search: backTo() as never });
});
const router = newRouter(queries);

addEventListener("hashchange", () => {
  if (hasCode() || takeMlflowLink(lastProject())) location.reload(); // such an address was opened over a page of ours
});
addEventListener("vite:preloadError", () => location.reload()); // the server has newer pages than this one knows of

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </StrictMode>,
  );
}
