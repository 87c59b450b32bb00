//! The same documents fetched by an asynchronous client on one thread: the contrast to a thread for each.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::timeout,
};

/// GETs `documents` documents at once, each over a connection of its own. Returns the bytes of all bodies.
///
/// # Errors
/// When a connection fails, is silent for 10 s, or answers anything but 200.
pub fn fetch(host: &str, documents: u64) -> io::Result<u64> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut tasks = JoinSet::new();
        for document in 0..documents {
            let host = host.to_owned();
            tasks.spawn(async move { timeout(Duration::from_secs(10), get(host, document)).await? });
        }
        let mut bytes = 0;
        while let Some(done) = tasks.join_next().await {
            bytes += done.map_err(io::Error::other)??;
        }
        Ok(bytes)
    })
}

async fn get(host: String, document: u64) -> io::Result<u64> {
    let mut stream = TcpStream::connect(&host).await?;
    let request = format!("GET /doc/{document} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).await?;
    let end = reply.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4);
    match end {
        Some(body) if reply.starts_with(b"HTTP/1.1 200") => Ok((reply.len() - body) as u64),
        _ => Err(io::Error::other(format!("document {document}: no 200"))),
    }
}
