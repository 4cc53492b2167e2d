import { Button, Menu, useMantineColorScheme } from "@mantine/core";
import { Link, Navigate, Outlet, useLocation, useNavigate } from "@tanstack/react-router";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { place } from "../api/place";
import { useLive } from "../live";
import { tally } from "../logic/alarms";
import { isNote, troubles } from "../logic/health";
import { present } from "../logic/nodes";
import { type Address, AddressContext } from "../parts/addressed";
import { Bounds } from "../parts/Problem";
import { useKnown } from "../parts/useKnown";
import css from "./frame.module.css";
import { keepKeyboard } from "./keyboard";
import { LiveMark, StaleBanner } from "./LiveMark";
import { LogInAgain } from "./LogInAgain";
import { KeysHelp, Palette } from "./Palette";
import { nameOf, useSession } from "./session";
import { type Order, useShortcuts } from "./shortcuts";
import { ADMIN, DESIGN, OPERATE, type View } from "./views";

/** Leads to the log-in whoever sees nothing without it, and to a new password who must have one. */
export function Frame() {
  const { me, ended } = useSession();
  const { problem } = useLive("members");
  if (me.mustChange) return <Navigate to="/password" />;
  if (me.via === "nothing" && problem?.status === 401 && !ended) return <Navigate to="/log-in" />;
  return (
    <>
      <Framed />
      {ended && <LogInAgain name={ended} />}
    </>
  );
}

/** What surrounds every view. */
function Framed() {
  const navigate = useNavigate();
  const location = useLocation();
  const [open, setOpen] = useState<"palette" | "help">();
  const toggleScheme = useToggleScheme();
  const carryOut = useCallback(
    (order: Order) => {
      if ("go" in order) void navigate({ to: order.go });
      else if (order.do === "palette" || order.do === "help") setOpen(order.do);
      else if (order.do === "scheme") toggleScheme();
      else if (order.do === "pause") document.getElementById("live-mark")?.click();
      else if (order.do === "filter") document.querySelector<HTMLElement>("[data-filter]")?.focus();
      else stepTab(order.do === "next" ? 1 : -1);
    },
    [navigate, toggleScheme],
  );
  useShortcuts(carryOut);
  const address = useAddress();
  const keyboard = useRef<ReturnType<typeof keepKeyboard>>(undefined);
  useEffect(() => {
    keyboard.current = keepKeyboard();
    return () => keyboard.current?.end();
  }, []);
  // Who reads with the keyboard or by ear begins at the new view's title.
  const last = useRef(location.pathname);
  useEffect(() => {
    if (last.current !== location.pathname) keyboard.current?.toTitle();
    last.current = location.pathname;
  }, [location.pathname]);
  // Where all views stand in one row, the one that is shown may be out of sight.
  const views = useRef<HTMLElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is about where one went
  useEffect(() => {
    const [row, shown] = [views.current, views.current?.querySelector("[aria-current=page]")];
    if (!row || !shown || row.scrollWidth <= row.clientWidth) return;
    const [{ left, width }, of] = [shown.getBoundingClientRect(), row.getBoundingClientRect()];
    row.scrollLeft += left - of.left - (of.width - width) / 2;
  }, [location.pathname]);
  useEffect(() => {
    // A file that is dropped beside where it is meant must not be opened in place of the page.
    const keep = (event: DragEvent) => {
      if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
    };
    window.addEventListener("dragover", keep);
    window.addEventListener("drop", keep);
    return () => {
      window.removeEventListener("dragover", keep);
      window.removeEventListener("drop", keep);
    };
  }, []);
  return (
    <div className={css.frame}>
      <a href="#main" className={css.skip}>
        Skip to content
      </a>
      <header className={css.top}>
        <Link to="/" className={css.brand}>
          <img src="/weir.svg" alt="" width={20} height={20} /> Weir
        </Link>
        <ClusterName />
        <div className="grow" />
        <LiveMark />
        <Button onClick={() => setOpen("palette")} className={css.search}>
          Go to … <kbd>Ctrl K</kbd>
        </Button>
        <UserMenu onScheme={toggleScheme} onKeys={() => setOpen("help")} />
      </header>
      <nav ref={views} className={css.nav} aria-label="Views">
        <Group title="Operate" views={OPERATE} />
        <Group title="Design" views={DESIGN} />
        <Group title="Administer" views={ADMIN} />
      </nav>
      <main id="main" className={css.main}>
        <StaleBanner />
        <AddressContext value={address}>
          <Bounds key={location.pathname}>
            <Outlet />
          </Bounds>
        </AddressContext>
      </main>
      {open === "palette" && (
        <Palette
          onScheme={toggleScheme}
          onKeys={() => setOpen("help")}
          onClose={() => setOpen(undefined)}
        />
      )}
      {open === "help" && <KeysHelp onClose={() => setOpen(undefined)} />}
    </div>
  );
}

/** What parts of views keep in the address. */
function useAddress(): Address {
  const search = useLocation({ select: (it) => it.search as Record<string, unknown> });
  const navigate = useNavigate();
  return useMemo(
    () => ({
      read: (key) => (search[key] === undefined ? undefined : String(search[key])),
      write: (key, value) =>
        void navigate({
          to: ".",
          search: (before: Record<string, unknown>) => ({ ...before, [key]: value }),
          replace: true,
          resetScroll: false,
        }),
    }),
    [search, navigate],
  );
}

function stepTab(step: number): void {
  const tabs = [...document.querySelectorAll<HTMLElement>("main [data-tab]")];
  const at = tabs.findIndex((it) => it.getAttribute("aria-current") === "page");
  tabs[(at + step + tabs.length) % tabs.length]?.click();
}

function useToggleScheme(): () => void {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return useCallback(() => {
    const isDark = document.documentElement.getAttribute("data-mantine-color-scheme") === "dark";
    void colorScheme;
    setColorScheme(isDark ? "light" : "dark");
  }, [colorScheme, setColorScheme]);
}

function ClusterName() {
  const { value } = useLive("members");
  if (!value && !place.cluster) return null;
  return (
    <Link
      to="/fleet"
      className={css.cluster}
      title={value ? `as ${value.node.name} sees it; to the fleet` : "to the fleet"}
    >
      {[place.cluster, value?.cluster].filter(Boolean).join(" · ")}
    </Link>
  );
}

function Group({ title, views }: { title: string; views: readonly View[] }) {
  return (
    <div>
      <h2>{title}</h2>
      <ul>
        {views.map((it) => (
          <li key={it.path}>
            <Link
              to={it.path}
              activeOptions={{ exact: it.path === "/" }}
              activeProps={{ "aria-current": "page" }}
            >
              <span>{it.title}</span>
              <Tally path={it.path} />
            </Link>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** How many there are, and a mark where something is wrong. */
function Tally({ path }: { path: string }) {
  if (path === "/") return <Problems />;
  return path === "/alarms" ? <Unconfirmed /> : <Count path={path} />;
}

function Problems() {
  const known = useKnown();
  const all = useMemo(() => troubles(known), [known]);
  const bad = all.filter((it) => !isNote(it));
  if (all.length === 0) return null;
  return (
    <span className={css.alarm} data-tone={bad[0]?.tone ?? "info"}>
      {bad.length || all.length}
      <span className="hidden"> {bad.length > 0 ? "problems" : "notes"}</span>
    </span>
  );
}

/** Alarms that stand and nobody has confirmed. */
function Unconfirmed() {
  const { value } = useLive("alarms");
  const found = value && tally(value.counts.unconfirmed);
  if (!found) return null;
  return (
    <span className={css.alarm} data-tone={found.tone} title={`${found.text}, confirmed by nobody`}>
      {found.count}
      <span className="hidden"> unconfirmed: {found.text}</span>
    </span>
  );
}

function Count({ path }: { path: string }) {
  const [members, workflows] = [useLive("members").value, useLive("workflows").value];
  const counts: Record<string, number | undefined> = {
    "/nodes": present(members)?.length,
    "/workflows": workflows?.items.length,
  };
  return counts[path] === undefined ? null : <span className="muted mono">{counts[path]}</span>;
}

function UserMenu({ onScheme, onKeys }: { onScheme: () => void; onKeys: () => void }) {
  const { me, logOut } = useSession();
  const navigate = useNavigate();
  return (
    <Menu
      position="bottom-end"
      transitionProps={{ duration: 0 }}
      // It would stand in the menu and be no item of it.
      withInitialFocusPlaceholder={false}
    >
      <Menu.Target>
        <Button>{nameOf(me)} ▾</Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={onScheme}>Light or dark</Menu.Item>
        <Menu.Item onClick={onKeys}>Keys</Menu.Item>
        <Menu.Item component="a" href="/api/v1/openapi.json">
          API document
        </Menu.Item>
        <Menu.Divider />
        {me.via === "session" ? (
          <>
            <Menu.Item onClick={() => void navigate({ to: "/password" })}>
              Change password
            </Menu.Item>
            <Menu.Item onClick={() => void logOut()}>Log out</Menu.Item>
          </>
        ) : (
          <Menu.Item onClick={() => void navigate({ to: "/log-in" })}>Log in</Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}
