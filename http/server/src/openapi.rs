//! What the OpenAPI documents of all servers have in common.

mod bounds;
mod refusals;

use std::fmt::Write;

use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder};
use weir_http_api::ProblemKind;

pub(crate) use refusals::{passed_on, with_reused_keys};

/// A document without paths.
pub(crate) fn document(title: &str, about: &str) -> OpenApi {
    let license = LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build();
    let info = InfoBuilder::new()
        .title(title)
        .version(env!("CARGO_PKG_VERSION"))
        .license(Some(license))
        .description(Some(format!("{about}\n\n{}", problems())))
        .build();
    OpenApiBuilder::new().info(info).build()
}

/// What the token is for where commands need it from other machines alone.
pub(crate) const TOKEN_ELSEWHERE: &str = "A session or token of a user, or the engine's \
    weir.management.token while weir.management.read-only is false. weir.rest-server.anonymous-reads \
    says whether seeing what runs needs one, and weir.rest-server.trust-local what the same \
    machine may without one";

/// The whole document: with what every operation may refuse, and the scheme that operations name `token`.
pub(crate) fn completed(mut document: OpenApi, about: &str) -> OpenApi {
    refusals::document(&mut document);
    bounds::document(&mut document);
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(about)).build();
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("token", SecurityScheme::Http(bearer));
    document
}

fn problems() -> String {
    let mut text = "Every refusal is a problem after RFC 9457. Problems that come from below \
                    carry the code that they got there; these are made here:\n\n\
                    | code | status | meaning |\n|---|---|---|\n"
        .to_owned();
    for kind in ProblemKind::ALL {
        // Writing to a String can't fail.
        let _ = writeln!(text, "| {} | {} | {} |", kind.code(), kind.status(), kind.meaning());
    }
    text
}
