import { Link } from "@tanstack/react-router";
import { useLogIns } from "../../app/logIns";
import { useSession } from "../../app/session";
import css from "./overview.module.css";

/** Leads to the set-up while there is nobody who administers the server. */
export function SetUp() {
  const { me } = useSession();
  if (useLogIns()?.administrator !== false) return null;
  return (
    <p className={css.setUp}>
      ◆ There is no administrator yet, so nobody can log in
      {me.via === "machine" &&
        ", and whoever is on the server’s own machine, as you are, may do everything"}
      . <Link to="/set-up">Make the first administrator</Link>
    </p>
  );
}
