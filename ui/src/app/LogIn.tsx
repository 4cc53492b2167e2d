import { Button, Checkbox, PasswordInput, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { Link, Navigate } from "@tanstack/react-router";
import { type FormEvent, type ReactNode, useState } from "react";
import { answered, api } from "../api/client";
import { ofPage, type Problem, problemIn, Refusal } from "../api/problem";
import { ProblemView } from "../parts/Problem";
import { useAsked } from "../parts/useAsked";
import { useIntent } from "../parts/useIntent";
import { AtProvider } from "./AtProvider";
import css from "./logIn.module.css";
import { LOG_INS, useLogIns } from "./logIns";
import { useSession } from "./session";

/** A page of its own with one form, which keeps the refusal. */
function Door(props: {
  title: string;
  verb: string;
  about?: ReactNode;
  onSend: (form: FormData) => Promise<unknown>;
  children: ReactNode;
  below?: ReactNode;
}) {
  const [problem, setProblem] = useState<Problem>();
  const [isBusy, setBusy] = useState(false);
  const send = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    setBusy(true);
    setProblem(undefined);
    try {
      await props.onSend(new FormData(event.currentTarget));
    } catch (error) {
      setProblem(problemIn(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <main className={css.door}>
      <form onSubmit={(event) => void send(event)} className={css.form}>
        <h1>
          <img src="/weir.svg" alt="" width={22} height={22} /> {props.title}
        </h1>
        {props.about && <p className="muted">{props.about}</p>}
        {props.children}
        {problem && <ProblemView problem={problem} />}
        <Button type="submit" variant="filled" disabled={isBusy}>
          {props.verb}
        </Button>
        {props.below}
        <Version />
      </form>
    </main>
  );
}

/** What to name when something is asked of somebody who helps. */
function Version() {
  const { value } = useAsked(["version"], () => answered(api.GET("/api/v1/version")));
  return value ? <p className="muted small">Weir {value.version}</p> : null;
}

const text = (form: FormData, name: string) => String(form.get(name) ?? "");

/** Typed unseen, and so twice: who has mistyped it would be locked out. */
function NewPassword({ name, label, whose }: { name: string; label: string; whose: string }) {
  return (
    <>
      <PasswordInput
        name={name}
        label={label}
        description={`12 characters or more, without ${whose} name in them`}
        autoComplete="new-password"
        required
      />
      <PasswordInput name="again" label="The same again" autoComplete="new-password" required />
    </>
  );
}

/** The new password that both fields have. */
function typedTwice(form: FormData, name: string): string {
  const password = text(form, name);
  if (password === text(form, "again")) return password;
  const hint = "Type the same into both: nothing was sent.";
  throw new Refusal(ofPage("Two passwords", "The two passwords are not the same.", hint));
}

export function LogIn() {
  const { me, logIn } = useSession();
  const ways = useLogIns();
  const [isDone, setDone] = useState(false);
  // Not before the page knows who is there: it would lead back here.
  if (isDone && me.via === "session") return <Navigate to="/" />;
  return (
    <Door
      title="Log in to Weir"
      verb="Log in"
      onSend={async (form) => {
        await logIn(text(form, "name"), text(form, "password"), form.has("keep"));
        setDone(true);
      }}
      below={
        <>
          <AtProvider onDone={() => setDone(true)} />
          {ways?.administrator === false && (
            <p role="status">
              ◆ Nobody is set up here yet, so nobody can log in.{" "}
              <Link to="/set-up">Make the first administrator</Link>
            </p>
          )}
        </>
      }
    >
      <TextInput name="name" label="Name" autoComplete="username" required autoFocus />
      <PasswordInput name="password" label="Password" autoComplete="current-password" required />
      <Checkbox name="keep" size="xs" label="Stay logged in until the session ends, in all tabs" />
    </Door>
  );
}

export function SetUp() {
  const { me, logIn } = useSession();
  const queries = useQueryClient();
  const ways = useLogIns();
  const [isDone, setDone] = useState(false);
  const [isSent, setSent] = useState(false);
  // Not before the page knows who is there: it would lead back here.
  if (isDone && me.via === "session") return <Navigate to="/" />;
  // Who sends it just now is told what came of that.
  if (ways?.administrator && !isSent) return <SetUpAlready />;
  return (
    <Door
      title="Make the first administrator"
      verb="Make the first administrator"
      about={
        <>
          There is no default password. The server of this page wrote a secret to{" "}
          <code>set-up-secret</code>: a configuration server to <code>config-server</code> in its
          data directory, <code>weir dev</code> to its data directory itself. Its log says where
          that is (WEIR-06140). Engines beside it have secrets of their own, which are not meant.
        </>
      }
      onSend={async (form) => {
        const [name, password, secret] = [
          text(form, "name"),
          typedTwice(form, "password"),
          text(form, "secret").trim(),
        ];
        setSent(true);
        await answered(api.POST("/api/v1/set-up", { body: { name, password, secret } }));
        await queries.invalidateQueries({ queryKey: LOG_INS });
        await logIn(name, password, false);
        setDone(true);
      }}
      below={
        <Link to="/log-in" className="small">
          Back to the log-in
        </Link>
      }
    >
      <TextInput name="secret" label="Secret" autoComplete="off" required autoFocus />
      <TextInput name="name" label="Name" autoComplete="username" required />
      <NewPassword name="password" label="Password" whose="the" />
    </Door>
  );
}

/** It is done once: what leads here is an old address, or came too late. */
function SetUpAlready() {
  return (
    <main className={css.door}>
      <div className={css.form}>
        <h1>
          <img src="/weir.svg" alt="" width={22} height={22} /> It is set up already
        </h1>
        <p>
          There is an administrator, who makes other <Link to="/users">users</Link> and lets them in
          again when they forgot their password.
        </p>
        <Link to="/log-in">To the log-in</Link>
      </div>
    </main>
  );
}

export function ChangePassword() {
  const { me, logIn, again } = useSession();
  const intent = useIntent();
  const [isDone, setDone] = useState(false);
  if (isDone && !me.mustChange) return <Navigate to="/" />;
  return (
    <Door
      title="Change your password"
      verb="Change it"
      about={
        me.mustChange
          ? "Somebody else set your password: choose one that only you know."
          : "All your other sessions end."
      }
      onSend={async (form) => {
        const [current, password] = [text(form, "current"), typedTwice(form, "new")];
        await answered(
          api.POST("/api/v1/me/password", {
            body: { current, new: password },
            params: intent([current, password]),
          }),
        );
        // The session may have ended with the old password.
        await again().catch(() => logIn(me.user ?? "", password, false));
        setDone(true);
      }}
    >
      <PasswordInput
        name="current"
        label="Current password"
        autoComplete="current-password"
        required
        autoFocus
      />
      <NewPassword name="new" label="New password" whose="your" />
    </Door>
  );
}
