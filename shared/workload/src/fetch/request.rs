//! Understands as much of HTTP/1.1 as a server of documents needs, and refuses the rest (RFC 9112).

/// A request, as far as it matters here.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request<'a> {
    pub(super) target: &'a str,
    /// Whether the client will use this connection again.
    pub(super) keep_alive: bool,
    /// How many bytes it takes; what follows is the next request.
    pub(super) len: usize,
}

/// The longest request that is taken.
pub(super) const LONGEST: usize = 8 << 10;

/// Reads the request at the start of `bytes`: `None` while its end has not come.
///
/// # Errors
/// The status to refuse it with. Garbage is refused as soon as it cannot become a request any more, as its sender may be waiting.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<Request<'_>>, &'static str> {
    const BAD: &str = "400 Bad Request";
    if bytes.first().is_some_and(|first| !first.is_ascii_uppercase()) {
        return Err(BAD);
    }
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return if bytes.len() >= LONGEST { Err("431 Request Header Fields Too Large") } else { Ok(None) };
    };
    if end + 4 > LONGEST {
        return Err("431 Request Header Fields Too Large");
    }
    let mut lines = str::from_utf8(&bytes[..end]).map_err(|_| BAD)?.split("\r\n");
    let mut first = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(target), Some(version), None) =
        (first.next(), first.next(), first.next(), first.next())
    else {
        return Err(BAD);
    };
    let mut keep_alive = match version {
        "HTTP/1.1" => true,
        "HTTP/1.0" => false,
        _ => return Err("505 HTTP Version Not Supported"),
    };
    if method != "GET" {
        return Err("405 Method Not Allowed");
    }
    for line in lines {
        let Some((name, value)) = line.split_once(':') else { return Err(BAD) };
        let value = value.trim();
        if name.eq_ignore_ascii_case("connection") {
            keep_alive &= !value.eq_ignore_ascii_case("close");
        }
        // A body would have to be skipped, or its bytes would be taken for the next request.
        let no_body = value == "0" && name.eq_ignore_ascii_case("content-length");
        if (name.eq_ignore_ascii_case("content-length") && !no_body)
            || name.eq_ignore_ascii_case("transfer-encoding")
        {
            return Err("413 Content Too Large");
        }
    }
    Ok(Some(Request { target, keep_alive, len: end + 4 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_one_request_and_leaves_the_next() {
        let bytes = b"GET /doc/7 HTTP/1.1\r\nHost: x\r\n\r\nGET /doc/8";
        let request = parse(bytes).unwrap().unwrap();
        assert_eq!(request, Request { target: "/doc/7", keep_alive: true, len: 32 });
        for cut in 1..32 {
            assert_eq!(parse(&bytes[..cut]), Ok(None), "{cut} bytes");
        }
        assert_eq!(parse(b""), Ok(None));
    }

    #[test]
    fn knows_when_the_client_will_hang_up() {
        for request in ["GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\nconnection:CLOSE\r\n\r\n"] {
            assert!(!parse(request.as_bytes()).unwrap().unwrap().keep_alive, "{request}");
        }
    }

    #[test]
    fn refuses_what_it_does_not_understand() {
        let endless = [b"GET / HTTP/1.1\r\nX: ".as_slice(), &[b'x'; LONGEST]].concat();
        let long = [&endless, b"\r\n\r\n".as_slice()].concat();
        let cases: [(&[u8], &str); 11] = [
            (b"\x16\x03\x01", "400"),
            (b"hello", "400"),
            (b"GET /\r\n\r\n", "400"),
            (b"GET / x HTTP/1.1\r\n\r\n", "400"),
            (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", "400"),
            (b"GET /\xff HTTP/1.1\r\n\r\n", "400"),
            (b"GET / HTTP/2\r\n\r\n", "505"),
            (b"PUT / HTTP/1.1\r\n\r\n", "405"),
            (b"GET / HTTP/1.1\r\nContent-Length: 3\r\n\r\n", "413"),
            (&endless, "431"),
            (&long, "431"),
        ];
        for (bytes, status) in cases {
            assert!(parse(bytes).unwrap_err().starts_with(status), "{}", bytes.escape_ascii());
        }
        assert!(parse(b"GET / HTTP/1.1\r\nContent-Length: 0\r\n\r\n").is_ok());
    }
}
