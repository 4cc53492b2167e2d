import { Link } from "@tanstack/react-router";
import { answered, api } from "../../api/client";
import { useSession } from "../../app/session";
import { useAsked } from "../../parts/useAsked";
import css from "./overview.module.css";

/** Leads to the set-up while there is nobody who could log in. */
export function SetUp() {
  return useSession().may("user:read") ? <Asked /> : null;
}

function Asked() {
  const users = useAsked(["users"], () => answered(api.GET("/api/v1/users")));
  if (users.value?.items.length !== 0) return null;
  return (
    <p className={css.setUp}>
      ◆ There is no user yet: whoever is on the server’s own machine may do everything, and nobody
      else anything. <Link to="/set-up">Make the first administrator</Link>
    </p>
  );
}
