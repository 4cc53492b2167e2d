// What a new asset begins with, so that it is whole from its first line.
import type { Kind } from "../editor/schema";

export interface Template {
  id: string;
  kind: Kind;
  title: string;
  what: string;
  spec: string;
}

export const TEMPLATES: readonly Template[] = [
  {
    id: "workflow",
    kind: "Workflow",
    title: "Workflow, empty",
    what: "A graph of stages, to be drawn.",
    spec: "spec:\n  stages: []\n",
  },
  {
    id: "workflow-files",
    kind: "Workflow",
    title: "Workflow, files to files",
    what: "Reads CSV files of a directory, keeps some records, and writes JSON lines.",
    spec: `spec:
  stages:
    - name: read
      source:
        file:
          directory: in
          format: { type: csv }
          done: { directory: done }
          error: { directory: error }

    - name: derive
      from: read
      processor:
        mapping: {}

    - name: write
      from: derive
      sink:
        file:
          directory: out
          name: \${item:stem}.jsonl
          format: { type: json }
          createDirectory: true
`,
  },
  {
    id: "snippet",
    kind: "Snippet",
    title: "Snippet",
    what: "Stages that are put into workflows, to be drawn.",
    spec: "spec:\n  stages: []\n",
  },
  {
    id: "source-file",
    kind: "Source",
    title: "Source of files",
    what: "Reads every file of a directory, each as one stream.",
    spec: `spec:
  file:
    directory: in
    format: { type: csv }
    done: { directory: done }
    error: { directory: error }
`,
  },
  {
    id: "source-generator",
    kind: "Source",
    title: "Source that makes records up",
    what: "To try workflows out.",
    spec: `spec:
  generator:
    rate: 10
    fields:
      - { name: id, make: sequence }
`,
  },
  {
    id: "sink-file",
    kind: "Sink",
    title: "Sink of files",
    what: "Writes files that appear whole when their stream is committed.",
    spec: `spec:
  file:
    directory: out
    name: \${item:stem}.jsonl
    format: { type: json }
    createDirectory: true
`,
  },
  {
    id: "format-csv",
    kind: "Format",
    title: "Format, CSV",
    what: "Comma-separated values, with the types of the columns.",
    spec: `spec:
  type: csv
  header: true
`,
  },
  {
    id: "format-json",
    kind: "Format",
    title: "Format, JSON lines",
    what: "One object a line.",
    spec: "spec:\n  type: json\n  layout: lines\n",
  },
  {
    id: "environment",
    kind: "Environment",
    title: "Environment",
    what: "Values that differ from one place to another. The project names it to use it.",
    spec: "spec:\n  values: {}\n",
  },
  {
    id: "secret",
    kind: "Secret",
    title: "Secrets",
    what: "Values that only the engine sees that uses them. The project names it to use it.",
    spec: "spec:\n  values: {}\n",
  },
  {
    id: "test",
    kind: "Test",
    title: "Test",
    what: "What comes into a workflow, and what is to come out of it.",
    // A case of the workflow that it is about.
    spec: "",
  },
];

/** Where an asset of a kind is put. The place is free; this is where people look. */
export function pathFor(kind: Kind, name: string): string {
  const directory = { Secret: "secrets", Project: "." }[kind as string];
  return `${directory ?? `${kind.toLowerCase()}s`}/${name}.yaml`;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;
const LONGEST = 128;

/** Why something can't be the name of an asset. */
export function badName(name: string): string | undefined {
  if (!name) return "A name is missing";
  if (name.length > LONGEST) return `At most ${LONGEST} characters`;
  return NAME.test(name)
    ? undefined
    : "Letters, digits, “-”, “_” and “.”, and a letter or digit at first";
}

export function textOf(template: Template, name: string, parent?: string): string {
  const metadata = parent ? `{ name: ${name}, extends: ${parent} }` : `{ name: ${name} }`;
  const head = `apiVersion: weir/v1\nkind: ${template.kind}\nmetadata: ${metadata}\n`;
  return `${head}${parent ? "spec: {}\n" : template.spec}`;
}
