import { Button, PasswordInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { type Problem, problemIn } from "../api/problem";
import { isOfBrowser } from "../api/token";
import { Dialog } from "../parts/Dialog";
import { ProblemView } from "../parts/Problem";
import css from "../parts/parts.module.css";
import { useSession } from "./session";

/** Over the page of somebody whose session ended: what was begun there stays, and goes on after the log-in. */
export function LogInAgain({ name }: { name: string }) {
  const { logIn, again } = useSession();
  const [password, setPassword] = useState("");
  const [problem, setProblem] = useState<Problem>();
  const send = async (event: FormEvent) => {
    event.preventDefault();
    setProblem(undefined);
    await logIn(name, password, isOfBrowser()).catch((error: unknown) =>
      setProblem(problemIn(error)),
    );
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
          <Button type="submit" variant="filled" disabled={!password}>
            Log in
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
