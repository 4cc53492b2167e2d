import { Button, Select, TextInput } from "@mantine/core";
import { useRef, useState } from "react";
import { answered, api } from "../../api/client";
import { useSession } from "../../app/session";
import { serverNow } from "../../logic/now";
import { Confirm } from "../../parts/Act";
import { ByHand } from "../../parts/CopyText";
import { useCopy } from "../../parts/copy";
import { Dialog } from "../../parts/Dialog";
import { useIntent } from "../../parts/useIntent";
import { Claims, Where } from "./RoleForm";
import { type Claim, changeOf, NOBODY, tokenCommandOf, tooLongFor, type Wanted } from "./role";
import css from "./users.module.css";

const DAY_MS = 86_400_000;
const DAYS = ["7", "30", "90", "365"];

/** A token of one's own; what it is stands on the page once. */
export function NewToken({ onMade, onClose }: { onMade: () => void; onClose: () => void }) {
  const { me } = useSession();
  const intent = useIntent();
  const [wanted, setWanted] = useState<Wanted>(NOBODY);
  const [days, setDays] = useState("90");
  const [token, setToken] = useState<string>();
  const isMade = useRef(false);
  const set = (change: Partial<Wanted>) => setWanted((it) => ({ ...it, ...change }));
  if (token !== undefined) return <Made token={token} onClose={onClose} />;
  const tooLong = tooLongFor(wanted.description);
  const claims = Object.keys(me.grants).sort() as Claim[];
  return (
    <Confirm
      title="A new token"
      verb="Make the token"
      cli={tokenCommandOf(wanted, days)}
      not={
        tooLong ||
        (!wanted.description.trim() && "Say what it is for") ||
        (wanted.claims.length === 0 && "It needs one claim at least") ||
        (wanted.within !== "everything" &&
          wanted.names.length === 0 &&
          `Choose for which ${wanted.within} it holds`)
      }
      onDo={async () => {
        const expiresAt = new Date(serverNow() + +days * DAY_MS).toISOString();
        const body = { ...changeOf(wanted), expiresAt };
        const made = await answered(
          api.POST("/api/v1/me/tokens", { params: intent([wanted, days]), body }),
        );
        isMade.current = true;
        setToken(made.token);
        onMade();
      }}
      // It goes on with what was made.
      onClose={() => isMade.current || onClose()}
    >
      <TextInput
        label="For"
        description="What shows it, as nightly build"
        value={wanted.description}
        error={tooLong}
        onChange={(event) => set({ description: event.currentTarget.value })}
        autoComplete="off"
        data-autofocus
      />
      <Select
        label="Until"
        data={DAYS.map((it) => ({ value: it, label: `in ${it} days` }))}
        value={days}
        allowDeselect={false}
        onChange={(it) => setDays(it ?? "90")}
      />
      <Claims legend="Claims, of those that you have" of={claims} wanted={wanted} onChange={set} />
      <Where wanted={wanted} onChange={set} />
    </Confirm>
  );
}

function Made({ token, onClose }: { token: string; onClose: () => void }) {
  const { isDone, isRefused, copy, close } = useCopy(token);
  return (
    <Dialog title="The token" onClose={onClose} size="lg">
      {isRefused && <ByHand text={token} onClose={close} />}
      <div className={css.roles}>
        <p>It is shown this once, and never again: put it where its program finds it.</p>
        <code data-token="" style={{ overflowWrap: "anywhere" }}>
          {token}
        </code>
        <div className="row">
          <Button onClick={() => void copy()}>{isDone ? "Copied" : "Copy"}</Button>
          <div className="grow" />
          <Button variant="filled" onClick={onClose} data-autofocus>
            I have it
          </Button>
        </div>
      </div>
    </Dialog>
  );
}
