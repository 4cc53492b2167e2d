//! The matrix of claims and built-in roles, as a document that is made from the code.

use std::fmt::Write;

use weir_domain::UserClaim;

use super::Role;

/// `docs/rights.md`.
pub fn matrix() -> String {
    let roles = Role::built_in();
    let mut text = String::from(
        "# Rights\n\n\
         Generated from the code: every claim, what it lets a user do, and which built-in role has it.\n\
         Every route and every command asks for exactly one claim. Roles of one's own are sets of these,\n\
         for everything or for some projects; a user may do what any of the roles allows. A token allows\n\
         what it names, where its user may do that too.\n\n",
    );
    let names: Vec<_> = roles.iter().map(|it| it.name.as_str()).collect();
    let _ = writeln!(text, "| claim | lets a user | {} |", names.join(" | "));
    let _ = writeln!(text, "|---|---|{}", "---|".repeat(roles.len()));
    for claim in UserClaim::ALL {
        let mark = |it: &Role| if it.claims.contains(claim) { "✓" } else { "" };
        let marks: Vec<_> = roles.iter().map(mark).collect();
        let _ = writeln!(text, "| `{claim}` | {} | {} |", claim.describe(), marks.join(" | "));
    }
    text
}
