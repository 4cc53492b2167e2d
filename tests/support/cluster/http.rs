//! One request over one connection, as plain as can be: it comes from within a host's network.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// Longer than a healthy server takes, also on a busy machine. A frozen one answers never.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// Sends a request and reads the answer to its end. `head` is whole lines of further headers.
pub(crate) fn request(
    mut stream: TcpStream,
    method: &str,
    path: &str,
    head: &str,
    body: &str,
) -> io::Result<Answer> {
    stream.set_read_timeout(Some(ANSWER_WITHIN))?;
    stream.set_write_timeout(Some(ANSWER_WITHIN))?;
    // In this version a server sends an answer in one piece and closes.
    let text = format!(
        "{method} {path} HTTP/1.0\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n{head}\r\n{body}",
        body.len()
    );
    stream.write_all(text.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    read(&String::from_utf8_lossy(&answer))
        .ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "the answer is cut off"))
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
