// @vitest-environment happy-dom
import { MantineProvider } from "@mantine/core";
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { type Column, Table } from "./Table";

interface Row {
  name: string;
  n: number;
}

const COLUMNS: Column<Row>[] = [
  { id: "name", title: "Name", value: (it) => it.name, cell: (it) => it.name },
  { id: "n", title: "N", isNumber: true, value: (it) => it.n, cell: (it) => it.n },
];

beforeAll(() => {
  // There is no layout here: the frame is as high as it would be.
  Object.defineProperty(HTMLElement.prototype, "clientHeight", { get: () => 600 });
  Object.defineProperty(HTMLElement.prototype, "clientWidth", { get: () => 800 });
});
afterEach(cleanup);

function shown(count: number, onOpen = vi.fn()) {
  const rows = Array.from({ length: count }, (_, n) => ({ name: `row ${n}`, n }));
  render(
    <MantineProvider>
      <Table
        name="Rows"
        columns={COLUMNS}
        rows={rows}
        keyOf={(it) => it.name}
        onOpen={onOpen}
        empty="nothing"
      />
    </MantineProvider>,
  );
  return onOpen;
}

test("of a hundred thousand rows those in view are drawn", () => {
  shown(100_000);
  expect(screen.getByText("row 0")).toBeTruthy();
  expect(screen.getAllByRole("row").length).toBeLessThan(80);
  expect(screen.getByRole("table").getAttribute("aria-rowcount")).toBe("100001");
});

test("the keyboard goes through rows and opens one", () => {
  const onOpen = shown(3);
  const frame = screen.getByRole("region", { name: "Rows" });
  for (const key of ["j", "j", "k", "Enter"]) fireEvent.keyDown(frame, { key });
  expect(onOpen).toHaveBeenCalledWith({ name: "row 1", n: 1 });
});

test("a column sorts, numbers with the largest first", () => {
  shown(12);
  fireEvent.click(screen.getByRole("button", { name: "N" }));
  expect(screen.getAllByRole("row")[1]?.textContent).toBe("row 1111");
});

test("nothing to show is said", () => {
  shown(0);
  expect(screen.getByText("nothing")).toBeTruthy();
});

test("more is asked for where somebody went to the end, and not where all is in view", () => {
  const onEnd = vi.fn();
  const table = (count: number) => (
    <MantineProvider>
      <Table
        name="Rows"
        columns={COLUMNS}
        rows={Array.from({ length: count }, (_, n) => ({ name: `row ${n}`, n }))}
        keyOf={(it) => it.name}
        onEnd={onEnd}
      />
    </MantineProvider>
  );
  const { rerender } = render(table(3));
  expect(onEnd).not.toHaveBeenCalled();
  rerender(table(200));
  const frame = screen.getByRole("region", { name: "Rows" });
  fireEvent.keyDown(frame, { key: "End" });
  frame.scrollTop = 200 * 30;
  fireEvent.scroll(frame);
  expect(onEnd).toHaveBeenCalled();
});

test("a box says what it chooses, and not by which key", () => {
  render(
    <MantineProvider>
      <Table
        name="Rows"
        columns={COLUMNS}
        rows={[{ name: "a", n: 1 }]}
        keyOf={(it) => String(it.n)}
        nameOf={(it) => it.name}
        chosen={new Set()}
        onChoose={() => undefined}
      />
    </MantineProvider>,
  );
  expect(screen.getByLabelText("Choose a")).toBeTruthy();
});
