import { href, parse } from "../kernel/ref";
import type { Crumb } from "./page";

/** The way to what is about a version of a model, and what that is called: `late@8`. */
export function modelCrumbs(project: string, ref: string | undefined): { crumbs: Crumb[]; name: string | undefined } {
  const model = ref === undefined ? undefined : parse(ref);
  const crumbs = [{ text: "Models", to: `/${project}/models` }];
  if (ref === undefined || model?.kind !== "model") return { crumbs, name: undefined };
  crumbs.push({ text: model.name, to: href(project, `model:${model.name}`) });
  if (!model.at) return { crumbs, name: model.name };
  const name = `${model.name}@${model.at}`;
  return { crumbs: [...crumbs, { text: name, to: href(project, ref) }], name };
}
