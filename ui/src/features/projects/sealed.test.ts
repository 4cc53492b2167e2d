import { expect, test } from "vitest";
import { openedBy, sealedOf, usesOf, variablesOf } from "./sealed";

const [OLD, NEW, OTHER] = ["a".repeat(64), "b".repeat(64), "c".repeat(64)];
const KEYS = [
  { fingerprint: OLD, alias: "first", current: false },
  { fingerprint: NEW, alias: "second", current: true },
] as unknown as Parameters<typeof openedBy>[2];
const AT = { project: "shop", name: "PW" };

test("a sealed value says who opens it", () => {
  expect(sealedOf(`weir-secret:2:shop:PW:${OLD},${NEW}:QUdF`)).toEqual({
    of: { project: "shop", name: "PW" },
    keys: [OLD, NEW],
  });
  expect(sealedOf(`weir-secret:1:${OLD}:QUdF`)).toEqual({ of: undefined, keys: [OLD] });
  expect([sealedOf("in clear"), sealedOf("weir-secret:9:x")]).toEqual([undefined, undefined]);
});

test("what no engine opens, and what is sealed to a former key, is said so", () => {
  const said = (keys: string[], of: { project: string; name: string } | undefined = AT) =>
    openedBy({ of, keys }, AT, KEYS);
  expect(said([NEW, OTHER])).toEqual({ tone: "ok", text: "opened by second, and 1 of elsewhere" });
  expect(said([OLD]).tone).toBe("warn");
  expect(said([OTHER])).toEqual({ tone: "err", text: "no key of this cluster opens it" });
  expect(said([NEW], { project: "shop", name: "OTHER" }).tone).toBe("err");
});

test("a file of variables is read as shells and containers read it", () => {
  const text = `# of the shop
export A=1 # one
B = "two \\"words\\"\\n"
C='$x # y'
A=2
nonsense
D="open
`;
  const { variables, bad } = variablesOf(text);
  expect(variables.map(({ name, value }) => [name, value])).toEqual([
    ["A", "2"],
    ["B", 'two "words"\n'],
    ["C", "$x # y"],
  ]);
  expect(bad).toEqual([6, 7]);
});

test("a secret is used where its name stands", () => {
  const sec = (name: string) => `$\{sec:${name}}`;
  const uses = usesOf([
    { path: "a.yaml", text: `x: ${sec("PW")} ${sec("PW")}` },
    { path: "b.yaml", text: `y: ${sec("PW")}` },
  ]);
  expect([...uses]).toEqual([["PW", ["a.yaml", "b.yaml"]]]);
});
