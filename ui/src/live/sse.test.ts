import { expect, test } from "vitest";
import { parser } from "./sse";

const TEXT =
  ': alive\n\nevent: whole\ndata: {"x":\ndata: 1}\nid: a=1;\n\n\ndata:2\r\n\r\ndata: cut off';

test("events are read wherever the network cuts them", () => {
  for (let size = 1; size <= TEXT.length; size++) {
    const it = parser();
    const read = [];
    for (let at = 0; at < TEXT.length; at += size) read.push(...it.push(TEXT.slice(at, at + size)));
    // A carriage return at the end of a piece belongs to the line end that follows.
    expect(read.map((event) => event.data)).toEqual(['{"x":\n1}', "2"]);
    expect(read[0]?.id).toBe("a=1;");
  }
});
