//! The server under load, always a process of its own so that its CPU time can be told from the client's.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

/// What one order looks like on the wire; the bare server answers and appends as many bytes.
pub struct OrderShape {
    /// Body of the request.
    pub body: String,
    /// Tokens, one a connection.
    pub tokens: Vec<String>,
    /// Bytes of the answer's body.
    pub answer_bytes: usize,
    /// Bytes an order takes in the log.
    pub log_bytes: usize,
}

/// A running server; killed when dropped.
pub struct Running {
    child: Child,
    /// `host:port`.
    pub address: String,
    _data: Option<tempfile::TempDir>,
}

impl Running {
    /// A region node in sandbox mode with the example catalogue and more stock than the run can sell.
    pub fn node() -> Self {
        let data = tempfile::tempdir().expect("a temporary directory");
        let config = data.path().join("node.toml");
        let catalog = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/catalog-east.json"))
            .expect("the example catalogue");
        let mut catalog: serde_json::Value = serde_json::from_str(&catalog).expect("JSON");
        for line in catalog["stock"].as_array_mut().expect("stock") {
            line["available"] = serde_json::json!(100_000_000);
        }
        for store in catalog["stores"].as_array_mut().expect("stores") {
            store["hours"] = serde_json::json!("00:00-24:00");
        }
        let catalog_file = data.path().join("catalog.json");
        std::fs::write(&catalog_file, catalog.to_string()).expect("a writable directory");
        let address = free_address();
        std::fs::write(
            &config,
            format!(
                "mode = \"sandbox\"\n[node]\nregion = \"bench\"\nlisten = [\"{address}\"]\ndata_dir = \"{}\"\ncatalog = \"{}\"\n",
                data.path().join("data").display(),
                catalog_file.display()
            ),
        )
        .expect("a writable directory");
        let child = Command::new(env!("CARGO_BIN_EXE_qucan"))
            .arg("node")
            .arg("--config")
            .arg(&config)
            .env("RUST_LOG", "warn")
            .stdout(Stdio::null())
            .spawn()
            .expect("the node starts");
        let running = Self { child, address, _data: Some(data) };
        while !running.request("GET", "/readyz", &[], "").starts_with("HTTP/1.1 200") {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        running
    }

    /// The bare handler, in a second process of this benchmark.
    pub fn bare(order: &OrderShape) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .arg("--bare")
            .env("BARE_ANSWER_BYTES", order.answer_bytes.to_string())
            .env("BARE_LOG_BYTES", order.log_bytes.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the bare server starts");
        let mut address = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut address).expect("its address");
        Self { child, address: address.trim().to_owned(), _data: None }
    }

    /// Places one order and learns the shapes from it; makes the tokens too.
    pub fn one_order(&self, connections: usize) -> OrderShape {
        let tokens: Vec<String> = (0..connections)
            .map(|member| {
                let body = format!(r#"{{"role":"customer","subject":"member-{member}"}}"#);
                let answer = self.request("POST", "/v1/sandbox/tokens", &[], &body);
                field(&answer, "token")
            })
            .collect();
        let menu = self.request("GET", "/v1/stores/sh-001/menu", &[], "");
        let menu: serde_json::Value = serde_json::from_str(body_of(&menu)).expect("a menu");
        let lines: Vec<_> = menu["items"]
            .as_array()
            .expect("items")
            .iter()
            .take(2)
            .map(|item| {
                let groups = item["options"].as_array().cloned().unwrap_or_default();
                let options: Vec<_> = groups
                    .iter()
                    .flat_map(|group| {
                        let least = usize::try_from(group["min"].as_u64().unwrap_or(0)).unwrap_or(0);
                        let choices = group["choices"].as_array().cloned().unwrap_or_default();
                        let option = group["id"].clone();
                        choices
                            .into_iter()
                            .take(least)
                            .map(move |choice| serde_json::json!({"option": option, "choice": choice["id"]}))
                    })
                    .collect();
                serde_json::json!({"sku": item["sku"], "quantity": 1, "options": options})
            })
            .collect();
        let body = serde_json::json!({"store": "sh-001", "lines": lines}).to_string();
        let bearer = format!("Bearer {}", tokens[0]);
        let headers = [("Authorization", bearer.as_str()), ("Idempotency-Key", "shape")];
        let answer = self.request("POST", "/v1/orders", &headers, &body);
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
        let answer_bytes = body_of(&answer).len();
        OrderShape { body, tokens, answer_bytes, log_bytes: 700 }
    }

    /// User and system time of the server so far, in milliseconds.
    pub fn cpu_ms(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("procfs");
        let after_name = stat.rsplit(')').next().expect("a stat line");
        let ticks: f64 = after_name.split_whitespace().skip(11).take(2).map(|t| t.parse::<f64>().unwrap_or(0.0)).sum();
        ticks * 10.0
    }

    fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> String {
        let Ok(mut stream) = TcpStream::connect(&self.address) else { return String::new() };
        let mut text = format!("{method} {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n");
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            text.push_str(&format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len()));
        }
        text.push_str("\r\n");
        text.push_str(body);
        stream.write_all(text.as_bytes()).expect("a request");
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").to_string()
}

fn body_of(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

fn field(answer: &str, name: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(body_of(answer)).expect("JSON");
    value[name].as_str().expect("a text").to_owned()
}
