import { Link } from "@tanstack/react-router";
import { useLogIns } from "../../app/logIns";
import css from "./overview.module.css";

/** Leads to the set-up while there is nobody who administers the server. */
export function SetUp() {
  if (useLogIns()?.administrator !== false) return null;
  return (
    <p className={css.setUp}>
      ◆ There is no administrator yet: whoever is on the server’s own machine may do everything, and
      nobody else anything. <Link to="/set-up">Make the first administrator</Link>
    </p>
  );
}
