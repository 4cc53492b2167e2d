import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { atCluster, names, sh } from "./shell";

/** The words that a shell makes of it. */
const taken = (command: string) =>
  execFileSync("sh", ["-c", `printf '%s\\0' ${command}`], { encoding: "utf8" })
    .split("\0")
    .slice(0, -1);

test("names from outside are words, and nothing in them is carried out", () => {
  const names = [
    "plain.csv",
    "a file with spaces.csv",
    "it's.csv",
    'we"ird $HOME `id` $(id) \\ ; & | * ?.csv',
    "two\nlines",
    "",
    "~",
  ];
  expect(taken(sh`weir access reset --source ${"files/read"} ${names}`)).toEqual([
    ..."weir access reset --source files/read".split(" "),
    ...names,
  ]);
});

test("an empty list leaves nothing, and a number is a word", () => {
  expect(sh`weir x ${[]} --n ${3}${[]}`).toBe("weir x --n 3");
  expect(sh`weir x ${["--note", "a b"]}`).toBe("weir x --note 'a b'");
});

test("each command of several is about the cluster", () => {
  expect(atCluster("weir a x && weir b 'it && weir c'", "east")).toBe(
    "weir --cluster east a x && weir --cluster east b 'it && weir c'",
  );
});

test("a name is no option, whatever it begins with", () => {
  expect(sh`weir access reset --source s ${names(["a", "--all"])}`).toBe(
    "weir access reset --source s -- a --all",
  );
  expect(names(["a"])).toEqual(["a"]);
});

test("no view puts a text into a command by itself", () => {
  const all = readdirSync("src", { recursive: true, encoding: "utf8" })
    .filter((it) => /\.tsx?$/.test(it) && !/\.test\./.test(it))
    .flatMap((it) => {
      const text = readFileSync(join("src", it), "utf8");
      return [...text.matchAll(/(sh)?`(weir [a-z$][^`]*\$\{[^`]*)/g)]
        .filter(([, by]) => !by)
        .map(([, , said]) => `${it}: ${said}`);
    });
  expect(all).toEqual([]);
});
