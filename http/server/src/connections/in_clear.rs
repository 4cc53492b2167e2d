//! Who speaks plain HTTP where TLS is spoken is told so, instead of being cut off without a word.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// What a client may send before it is answered: the answer would be lost if something was left unread.
const READ_MAX: usize = 64 << 10;
const SAID: &str = "this port speaks TLS: write https:// instead of http:// in its address\n";

/// Whether what comes first is a method, and no greeting of TLS. Nothing is taken of it.
pub(super) async fn asks(stream: &TcpStream) -> io::Result<bool> {
    let mut first = [0];
    let read = stream.peek(&mut first).await?;
    Ok(read == 1 && first[0].is_ascii_uppercase())
}

/// Reads the head of the request, and answers.
pub(super) async fn refuse(mut stream: TcpStream) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|it| it == b"\r\n\r\n") && head.len() < READ_MAX {
        if stream.read_buf(&mut head).await? == 0 {
            break;
        }
    }
    let length = SAID.len();
    let answer = format!(
        "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-type: text/plain; charset=utf-8\r\n\
         content-length: {length}\r\n\r\n{SAID}"
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    // A body that comes behind it would make the system forget the answer.
    let mut rest = stream.take(READ_MAX as u64);
    tokio::io::copy(&mut rest, &mut tokio::io::sink()).await.map(drop)
}
