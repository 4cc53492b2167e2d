//! Why a call has no result.

use weir_domain::Code;
use weir_http_api::Problem;

/// One variant for each thing that a caller may do differently.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address can't be one of a server; nothing was sent.
    #[error("{given:?} is not the address of a server: {reason}")]
    Address { given: String, reason: String },
    /// The request can't be written as HTTP has it; nothing was sent.
    #[error("the request can't be sent: {cause}")]
    Unsendable { cause: String },
    /// Nobody was reached: not started, another address, or no way there. Nothing was sent.
    #[error("no server answers at {url}: {cause}")]
    Unreachable { url: String, cause: String },
    /// Somebody answers there who can't show that it is the server. Nothing was sent.
    #[error("the server at {url} is not believed: {cause}")]
    Distrusted { url: String, cause: String },
    /// A server was there, and its answer was not, in time or as a whole: what was sent may have
    /// been carried out.
    #[error("no answer came from {url}: {cause}")]
    Interrupted {
        url: String,
        cause: String,
        /// Nothing but a question was sent: to ask it again does no harm.
        is_question: bool,
    },
    /// The server refused and says why.
    #[error("{}", .0.detail)]
    Problem(Box<Problem>),
    /// Something answered that is not understood: no Weir server, or one of another version.
    #[error("the answer of {url} is not understood: {cause}")]
    Decode { url: String, cause: String },
}

impl Error {
    pub fn code(&self) -> Code {
        match self {
            Self::Unreachable { .. } => Code(7_201),
            Self::Decode { .. } => Code(7_202),
            Self::Address { .. } => Code(7_203),
            Self::Unsendable { .. } => Code(7_204),
            Self::Interrupted { .. } => Code(7_205),
            Self::Distrusted { .. } => Code(7_206),
            Self::Problem(problem) => problem.code,
        }
    }
}

/// Why a connection is none that can be believed, where that is the cause.
pub(crate) fn distrust(cause: &str) -> Option<String> {
    if cause.contains("InvalidContentType") {
        return Some("what listens there speaks no TLS".to_owned());
    }
    match cause.strip_prefix("invalid peer certificate: ")? {
        // The latter of one that has the name of one that is trusted.
        "UnknownIssuer" | "BadSignature" => {
            Some("no authority that is trusted here signed its certificate".to_owned())
        }
        other => Some(other.to_owned()),
    }
}

pub(crate) const NO_ANSWER: &str = "it did not answer in time";
const NO_CONNECTION: &str = "no connection in time";

/// What went wrong underneath, innermost cause last, without the address that reqwest repeats.
pub(crate) fn cause(error: reqwest::Error) -> String {
    if error.is_timeout() {
        let is_there = !error.is_connect();
        return if is_there { NO_ANSWER } else { NO_CONNECTION }.to_owned();
    }
    let error = error.without_url();
    let mut innermost: &dyn std::error::Error = &error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    lower_first(&innermost.to_string())
}

/// The operating system begins its messages with a capital and appends its number for them.
fn lower_first(text: &str) -> String {
    let text = text.split(" (os error").next().unwrap_or(text);
    let mut rest = text.chars();
    match rest.next() {
        Some(first) => first.to_lowercase().chain(rest).collect(),
        None => "the connection failed".to_owned(),
    }
}
