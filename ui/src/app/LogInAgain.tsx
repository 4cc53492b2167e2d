import { Button, PasswordInput } from "@mantine/core";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { type Problem, problemIn } from "../api/problem";
import { isOfBrowser } from "../api/token";
import { Dialog } from "../parts/Dialog";
import { ProblemView } from "../parts/Problem";
import css from "../parts/parts.module.css";
import { useProvider } from "./AtProvider";
import { broughtByWindow } from "./elsewhere";
import { useSession } from "./session";

/** Over the page of somebody whose session ended: what was begun there stays, and goes on after the log-in. */
export function LogInAgain({ name }: { name: string }) {
  const { logIn, comeBackWith, again } = useSession();
  const provider = useProvider();
  const waiting = useRef<AbortController>(undefined);
  useEffect(() => () => waiting.current?.abort(), []);
  const [password, setPassword] = useState("");
  const [problem, setProblem] = useState<Problem>();
  const send = async (event: FormEvent) => {
    event.preventDefault();
    setProblem(undefined);
    await logIn(name, password, isOfBrowser()).catch((error: unknown) =>
      setProblem(problemIn(error)),
    );
  };
  /** Whoever has no password here. */
  const atProvider = async () => {
    waiting.current?.abort();
    const own = new AbortController();
    waiting.current = own;
    setProblem(undefined);
    try {
      await comeBackWith(await broughtByWindow(own.signal));
    } catch (error) {
      if (!own.signal.aborted) setProblem(problemIn(error));
    }
  };
  return (
    <Dialog
      onClose={() => undefined}
      withCloseButton={false}
      title="Your session has ended"
      zIndex={400}
    >
      <form className={css.form} onSubmit={(event) => void send(event)}>
        <p>Log in again to go on where you are. Nothing that you typed is lost.</p>
        <PasswordInput
          label={`Password of ${name}`}
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
          autoComplete="current-password"
          data-autofocus
        />
        {problem && <ProblemView problem={problem} />}
        <div className="row">
          <Button onClick={() => void again()}>Leave, as somebody else</Button>
          <div className="grow" />
          {provider && <Button onClick={() => void atProvider()}>Log in with {provider} …</Button>}
          <Button type="submit" variant="filled" disabled={!password}>
            Log in
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
