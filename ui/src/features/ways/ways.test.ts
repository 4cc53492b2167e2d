import { expect, test } from "vitest";
import { again, below, referred, ways } from "./ways";

const macro = (name: string) => `$${"{"}${name}}`;

const spec = {
  deadLetters: { directory: "bad" },
  stages: [
    { name: "read", source: "drop" },
    { name: "shape", from: "read", processor: { mapping: {} } },
    {
      name: "keep",
      from: "shape",
      sink: {
        file: {
          directory: "out",
          name: `${macro("item:stem")}-${macro("field:day")}-${macro("roll")}.csv`,
        },
      },
    },
    {
      name: "tell",
      from: "shape",
      sink: { http: { connection: { url: "https://me:pw@example.org/a?key=1" } } },
    },
  ],
};
const drop = {
  kind: "Source",
  name: "drop",
  description: "What shops send.",
  spec: {
    file: {
      directory: "in",
      glob: "*.csv",
      done: { directory: "/arch" },
      error: { directory: "error" },
    },
  },
};

test("reads and writes are at paths of the engine, with what the assets say of them", () => {
  expect(referred(spec)).toEqual([{ kind: "Source", name: "drop" }]);
  expect(ways(spec, [drop], "/srv/p")).toEqual({
    reads: [
      {
        stage: "read",
        kind: "file",
        at: "/srv/p/in",
        which: "*.csv",
        what: "What shops send.",
        done: "/arch",
        error: "/srv/p/error",
      },
    ],
    writes: [
      { stage: "keep", kind: "file", at: "/srv/p/out", which: "*-‹day›-‹roll›.csv" },
      // Who one is there, and what is asked, is not said.
      { stage: "tell", kind: "http", at: "https://example.org/a" },
    ],
    letters: "/srv/p/bad",
  });
});

test("other connectors have addresses, too", () => {
  const at = (slot: object) => {
    const [it] = ways({ stages: [{ name: "s", source: slot }] }, [], "/p").reads;
    return [it?.at, it?.which];
  };
  expect(
    at({ kafka: { topics: ["a", "b"], connection: { brokers: ["k1:9092", "k2:9092"] } } }),
  ).toEqual(["kafka://k1:9092, k2:9092", "a, b"]);
  expect(
    at({ objects: { prefix: "in/", connection: { s3: { bucket: "b", secretAccessKey: "x" } } } }),
  ).toEqual(["s3://b/in/", undefined]);
  const connection = { type: "postgres", host: "db", database: "shop", password: "x" };
  expect(at({ sql: { table: "orders", connection } })).toEqual(["postgres://db/shop", "orders"]);
  expect(at({ timer: { every: "5s" } })).toEqual(["the clock", "every 5s"]);
  expect(at({ unheard: {} })).toEqual(["", undefined]);
});

test("what can't be read yet has no ways, and no error", () => {
  expect(ways(undefined, [], "/p")).toEqual({ reads: [], writes: [], letters: "/p/dead-letters" });
  expect(ways({ stages: [{ name: "r", source: "gone" }, null] }, [], "/p").reads).toEqual([
    { stage: "r", kind: "", at: "" },
  ]);
});

test("relative paths are below the project, others are what they are", () => {
  expect(below("/p", "./in")).toBe("/p/in");
  expect(below("/p", "/in")).toBe("/in");
  expect(below("C:/p", "D:/in")).toBe("D:/in");
});

test("a file that was moved away is put back by a command for a shell", () => {
  const way = { stage: "r", kind: "file", at: "/my p/in", done: "/my p/done" };
  expect(again(way, "a's.csv")).toBe("cp '/my p/done/a'\\''s.csv' '/my p/in/'");
  expect(again({ ...way, done: undefined }, "a.csv")).toBeUndefined();
  expect(again({ ...way, done: `/${macro("env:DIR")}/done` }, "a.csv")).toBeUndefined();
  expect(again(way, "sub/a.csv")).toBeUndefined();
});
