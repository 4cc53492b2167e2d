import { ActionIcon, Button, TextInput, Tooltip } from "@mantine/core";
import { type ReactNode, useEffect, useId, useState } from "react";
import type { Schemas } from "../api/client";
import { isOfServer, place } from "../api/place";
import { type Problem, problemIn } from "../api/problem";
import { useSession } from "../app/session";
import { atCluster } from "../logic/shell";
import { ByHand } from "./CopyText";
import { useCopy } from "./copy";
import { Dialog } from "./Dialog";
import { ProblemView } from "./Problem";
import css from "./parts.module.css";

export type Claim = Schemas["UserClaim"];

interface ActProps {
  label: string;
  /** What it is done to, where several buttons have the same label. */
  about?: string;
  claim: Claim;
  onAct: () => void;
  /** Why it can't be done now, although the user may. */
  not?: string | false | null;
  isDanger?: boolean;
  isMain?: boolean;
}

/** Why one may not, where one has not the claim. */
export function useLacks(claim: Claim): string | undefined {
  const { may } = useSession();
  return may(claim) ? undefined : `Needs the claim ${claim}`;
}

/** A button that says which claim it needs where the user has it not. */
export function Act({ label, about, claim, onAct, not, isDanger, isMain }: ActProps) {
  const why = useLacks(claim) ?? (not || undefined);
  const button = (
    <Button
      onClick={why ? undefined : onAct}
      // It stays where the keyboard goes, so that the reason can be read.
      aria-disabled={why ? true : undefined}
      data-disabled={why ? true : undefined}
      variant={isMain ? "filled" : "default"}
      className={isDanger ? css.danger : undefined}
    >
      {label}
      {about && <span className="hidden"> {about}</span>}
    </Button>
  );
  // The same button, whether it can be pressed or not: another one would not have the keyboard.
  return (
    <Tooltip label={why} disabled={!why}>
      {button}
    </Tooltip>
  );
}

/** The command that does or shows the same. */
export function CopyCli({ command: said }: { command: string }) {
  const isPlaced = place.cluster !== undefined && !isOfServer(said);
  const command = isPlaced ? atCluster(said, place.cluster ?? "") : said;
  const { isDone, isRefused, copy, close } = useCopy(command);
  return (
    <>
      <Tooltip label={isDone ? "Copied" : command}>
        <ActionIcon
          variant="default"
          size={28}
          onClick={() => void copy()}
          aria-label={`Copy as command: ${command}`}
        >
          <span className="mono" aria-hidden="true">
            {isDone ? "✓" : ">_"}
          </span>
        </ActionIcon>
      </Tooltip>
      {isRefused && <ByHand text={command} onClose={close} />}
    </>
  );
}

interface ConfirmProps {
  title: string;
  /** What a refusal was about: it goes where something else is asked for. */
  about?: string;
  /** What it does, with its effects counted. */
  children: ReactNode;
  verb: string;
  /** What must be typed: for what can't be taken back. */
  typed?: string;
  /** The command that does the same. */
  cli?: string;
  not?: string | false;
  isDanger?: boolean;
  /** For what needs the width. */
  isWide?: boolean;
  onDo: () => Promise<unknown>;
  /** Somebody changed it meanwhile: it is looked at again. */
  onStale?: () => void;
  onClose: () => void;
}

const STALE = 412;
const UNKNOWN = 401;

/** Asks before something is done, and stays with the refusal where it is refused. */
export function Confirm(props: ConfirmProps) {
  const [typed, setTyped] = useState("");
  const [refused, setRefused] = useState<{ problem: Problem; about: string | undefined }>();
  const problem = refused?.about === props.about ? refused?.problem : undefined;
  const [isBusy, setBusy] = useState(false);
  const { ended } = useSession();
  // Who has logged in again since may go on: that they had not is past.
  useEffect(() => {
    if (!ended) setRefused((it) => (it?.problem.status === UNKNOWN ? undefined : it));
  }, [ended]);
  const id = useId();
  const isReady = !isBusy && !props.not && (props.typed === undefined || typed === props.typed);
  const go = async () => {
    setBusy(true);
    setRefused(undefined);
    try {
      await props.onDo();
      props.onClose();
    } catch (error) {
      const found = problemIn(error);
      setRefused({ problem: found, about: props.about });
      if (found.status === STALE) props.onStale?.();
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog
      onClose={props.onClose}
      title={props.title}
      size={props.isWide ? "min(1100px, 95vw)" : "lg"}
    >
      <form
        className={css.form}
        onSubmit={(event) => {
          event.preventDefault();
          if (isReady) void go();
        }}
      >
        {props.children}
        {props.typed !== undefined && (
          <TextInput
            id={id}
            label={
              <>
                Type <code>{props.typed}</code> to go on
              </>
            }
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
            autoComplete="off"
            data-autofocus
          />
        )}
        {problem && <ProblemView problem={problem} />}
        <div className="row">
          {props.cli && <CopyCli command={props.cli} />}
          <div className="grow" />
          <Button onClick={props.onClose}>Cancel</Button>
          <Button
            type="submit"
            variant="filled"
            // Who pressed it stays there while it works, and when it is refused.
            aria-disabled={isReady ? undefined : true}
            data-disabled={isReady ? undefined : true}
            className={props.isDanger ? css.danger : undefined}
          >
            {isBusy ? "Working …" : props.verb}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
