//! A blocking HTTP/1.1 client over one kept connection: enough for tests, with nothing that repairs or repeats.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// One client with its token.
pub struct Client {
    address: SocketAddr,
    token: Option<String>,
    connection: Option<BufReader<TcpStream>>,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {} {}", self.status, String::from_utf8_lossy(&self.body)))
    }

    /// The JSON of an answer with this status.
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self.json()
    }

    /// The last part of a problem's `type`; empty where the answer is none.
    pub fn problem(&self) -> String {
        let json: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        json["type"].as_str().unwrap_or_default().trim_start_matches("/problems/").to_owned()
    }
}

impl Client {
    /// A client of the node at `address`.
    pub fn new(address: SocketAddr, token: Option<String>) -> Self {
        Self { address, token, connection: None }
    }

    /// GET.
    pub fn get(&mut self, path: &str) -> Reply {
        self.send("GET", path, &[], None)
    }

    /// POST with a JSON body.
    pub fn post(&mut self, path: &str, body: &Value) -> Reply {
        self.send("POST", path, &[], Some(body.to_string().as_bytes()))
    }

    /// POST without a body.
    pub fn post_empty(&mut self, path: &str) -> Reply {
        self.send("POST", path, &[], None)
    }

    /// PUT with a JSON body.
    pub fn put(&mut self, path: &str, body: &Value) -> Reply {
        self.send("PUT", path, &[], Some(body.to_string().as_bytes()))
    }

    /// POST with an idempotency key.
    pub fn post_with_key(&mut self, path: &str, key: &str, body: &Value) -> Reply {
        self.send("POST", path, &[("Idempotency-Key", key)], Some(body.to_string().as_bytes()))
    }

    /// Any request; a body gets `application/json` unless a content type is among the headers.
    pub fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> Reply {
        self.try_send(method, path, headers, body).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// The same where the node may be gone.
    pub fn try_send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> std::io::Result<Reply> {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.address);
        let given = |name: &str| headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
        if let Some(token) = self.token.as_ref().filter(|_| !given("authorization")) {
            head.push_str(&format!("Authorization: Bearer {token}\r\n"));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(body) = body {
            if !given("content-type") {
                head.push_str("Content-Type: application/json\r\n");
            }
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        let mut request = head.into_bytes();
        request.extend_from_slice(body.unwrap_or_default());
        let reply = self.exchange(&request, method == "HEAD");
        if reply.as_ref().is_ok_and(|reply| reply.header("connection") != Some("close")) {
            return reply;
        }
        self.connection = None;
        reply
    }

    fn exchange(&mut self, request: &[u8], head_only: bool) -> std::io::Result<Reply> {
        if self.connection.is_none() {
            let stream = TcpStream::connect(self.address)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(Duration::from_secs(90)))?;
            self.connection = Some(BufReader::new(stream));
        }
        let Some(connection) = self.connection.as_mut() else { return Err(std::io::ErrorKind::NotConnected.into()) };
        // A refusal may come before the whole body is taken; what matters is the answer.
        let _ = connection.get_mut().write_all(request);
        read_reply(connection, head_only)
    }
}

fn read_line(connection: &mut impl BufRead) -> std::io::Result<String> {
    let mut line = String::new();
    if connection.read_line(&mut line)? == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end().to_owned())
}

/// Reads one answer.
pub fn read_reply(connection: &mut impl BufRead, head_only: bool) -> std::io::Result<Reply> {
    let status_line = read_line(connection)?;
    let status =
        status_line.split(' ').nth(1).and_then(|text| text.parse().ok()).ok_or(std::io::ErrorKind::InvalidData)?;
    let mut headers = Vec::new();
    loop {
        let line = read_line(connection)?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let mut reply = Reply { status, headers, body: Vec::new() };
    if head_only || status == 304 || status == 204 {
        return Ok(reply);
    }
    if reply.header("transfer-encoding").is_some() {
        loop {
            let size =
                usize::from_str_radix(&read_line(connection)?, 16).map_err(|_| std::io::ErrorKind::InvalidData)?;
            let mut chunk = vec![0; size];
            connection.read_exact(&mut chunk)?;
            reply.body.extend(chunk);
            read_line(connection)?;
            if size == 0 {
                return Ok(reply);
            }
        }
    }
    let length = reply.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    reply.body = vec![0; length];
    connection.read_exact(&mut reply.body)?;
    Ok(reply)
}
