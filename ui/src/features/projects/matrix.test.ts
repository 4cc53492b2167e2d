import { expect, test } from "vitest";
import { matrix, using } from "./matrix";

const PROJECT = `apiVersion: weir/v1
kind: Project
metadata: { name: shop }
spec:
  environments: [limits] # theirs
`;
const asset = (kind: string, name: string) => ({
  path: `${name}.yaml`,
  kind,
  name,
  text: `kind: ${kind}\nmetadata: { name: ${name} }\nspec: { values: { A: 1 } }\n`,
});

test("what the project uses next stands last, and the rest of its text stays", () => {
  const text = using(using(PROJECT, "Environment", "night"), "Secret", "keys");
  expect(text).toContain("environments: [ limits, night ] # theirs");
  const project = { path: "project.yaml", kind: "Project", name: "shop", text };
  const all = [project, asset("Environment", "night"), asset("Secret", "keys")];
  const orders = (kind: "Environment" | "Secret") =>
    matrix([...all, asset(kind, "spare")], kind).map(({ name, order }) => [name, order]);
  expect(orders("Environment")).toEqual([
    ["night", 1],
    ["spare", undefined],
  ]);
  expect(orders("Secret")).toEqual([
    ["keys", 0],
    ["spare", undefined],
  ]);
});
