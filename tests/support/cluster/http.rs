//! One request over one connection, as plain as can be: it comes from within a host's network.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

/// Longer than a healthy server takes, also on a busy machine. A frozen one answers never.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// What is asked of a server.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    /// Whole lines of further headers.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// How long the answer may take.
    pub(crate) within: Duration,
}

impl Call {
    pub(crate) fn new(method: &'static str, path: impl Into<String>) -> Self {
        let (path, head, body) = (path.into(), String::new(), Vec::new());
        Self { method, path, head, body, within: ANSWER_WITHIN }
    }

    /// With a body in JSON.
    pub(crate) fn json(self, body: impl Into<Value>) -> Self {
        self.body("application/json", body.into().to_string().into_bytes())
    }

    pub(crate) fn body(self, kind: &str, body: Vec<u8>) -> Self {
        Self { body, ..self }.header("content-type", kind)
    }

    pub(crate) fn within(self, within: Duration) -> Self {
        Self { within, ..self }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.head += &format!("{name}: {value}\r\n");
        self
    }
}

/// Sends a request and reads the answer to its end.
pub(crate) fn request(mut stream: TcpStream, call: &Call) -> io::Result<Answer> {
    send(&mut stream, call)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    read(&String::from_utf8_lossy(&answer))
        .ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "the answer is cut off"))
}

/// Sends a request whose answer somebody else may read, or nobody.
pub(crate) fn send(stream: &mut TcpStream, call: &Call) -> io::Result<()> {
    let Call { method, path, head, body, within } = call;
    stream.set_read_timeout(Some(*within))?;
    stream.set_write_timeout(Some(*within))?;
    // In this version a server sends an answer in one piece and closes.
    let text = format!(
        "{method} {path} HTTP/1.0\r\nhost: localhost\r\ncontent-length: {}\r\n{head}\r\n",
        body.len()
    );
    stream.write_all(&[text.as_bytes(), body].concat())
}

fn read(text: &str) -> Option<Answer> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split_whitespace().nth(1)?.parse().ok()?;
    let length = head.lines().find_map(|it| {
        let (name, value) = it.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let is_whole = length.is_none_or(|it| it == body.len());
    is_whole.then(|| Answer { status, body: body.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_was_cut_off_is_no_answer() {
        let whole = "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}";
        let answer = read(whole).unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
        for cut in [10, 30, whole.len() - 1] {
            assert!(read(&whole[..cut]).is_none());
        }
    }
}
