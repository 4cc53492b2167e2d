//! What the OpenAPI documents of all servers have in common.

use std::fmt::Write;

use utoipa::openapi::{InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder};
use weir_http_api::ProblemKind;

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
