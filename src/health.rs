//! The health pages, by state and not by process: `/metrics` for Prometheus, `/healthz` (is the program
//! alive), `/readyz` (does it do its work). Plain HTTP/1.1 on this machine alone.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::condition::Condition;
use crate::config::Listen;
use crate::metrics::{Process, Snapshot};
use crate::office::Office;
use crate::systemd::Manager;

/// Connections at the same time; a scraper needs one.
const MOST_CONNECTIONS: usize = 16;

/// How long a client may take over its request.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long the database may take: less than a scraper or a probe waits (Prometheus: 10 s by default).
const DATABASE_WITHIN: Duration = Duration::from_secs(3);

/// What Prometheus is told about the form of the text.
const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The pages at an address, ready to be shown.
pub enum Pages {
    /// On loopback.
    Loopback(TcpListener),
    /// On a socket in the file system.
    Socket(UnixListener),
}

impl Pages {
    /// Takes the address.
    ///
    /// # Errors
    /// It is taken or must not be used.
    pub async fn bind(listen: &Listen) -> anyhow::Result<Pages> {
        match listen {
            Listen::Loopback(address) => {
                let listener = TcpListener::bind(address).await;
                Ok(Pages::Loopback(listener.with_context(|| {
                    format!("[health] listen: {address} cannot be taken; choose another port, or end what holds it")
                })?))
            }
            Listen::Socket(path) => {
                // What a killed process left behind; a running one holds the lock of the database.
                let _ = std::fs::remove_file(path);
                let listener = UnixListener::bind(path);
                Ok(Pages::Socket(listener.with_context(|| format!("[health] listen: cannot make {}", path.display()))?))
            }
        }
    }

    /// Shows the pages until the task is aborted.
    pub fn show(self, office: Arc<Office>, manager: Arc<Manager>) -> JoinHandle<()> {
        let desk = Desk { office, manager };
        let slots = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        tokio::spawn(async move {
            loop {
                let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
                let desk = desk.clone();
                match &self {
                    Pages::Loopback(listener) => match listener.accept().await {
                        Ok((stream, _)) => tokio::spawn(async move {
                            serve(stream, desk).await;
                            drop(slot);
                        }),
                        Err(error) => refused(&error).await,
                    },
                    Pages::Socket(listener) => match listener.accept().await {
                        Ok((stream, _)) => tokio::spawn(async move {
                            serve(stream, desk).await;
                            drop(slot);
                        }),
                        Err(error) => refused(&error).await,
                    },
                };
            }
        })
    }
}

/// Accepting failed: too many files are open, most likely. It is tried again, and not at once.
async fn refused(error: &std::io::Error) -> JoinHandle<()> {
    tracing::warn!(error = error.to_string(), "the health pages cannot take a connection");
    tokio::time::sleep(Duration::from_secs(1)).await;
    tokio::spawn(async {})
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, desk: Desk) {
    let answer = service_fn(move |request| {
        let desk = desk.clone();
        async move { Ok::<_, Infallible>(desk.answer(&request).await) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(PATIENCE).keep_alive(false).max_buf_size(16 * 1024);
    let served = tokio::time::timeout(PATIENCE, http.serve_connection(TokioIo::new(stream), answer)).await;
    if let Ok(Err(error)) = served {
        tracing::debug!(error = crate::log::words(error), "a health page was not read to its end");
    }
}

#[derive(Clone)]
struct Desk {
    office: Arc<Office>,
    manager: Arc<Manager>,
}

impl Desk {
    async fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return page(StatusCode::METHOD_NOT_ALLOWED, "text/plain", "these pages are only read\n".to_string());
        }
        match request.uri().path() {
            "/metrics" => match self.metrics().await {
                Ok(text) => page(StatusCode::OK, METRICS_TYPE, text),
                Err(error) => {
                    let error = crate::log::error(&error);
                    page(StatusCode::INTERNAL_SERVER_ERROR, "text/plain", format!("no figures: {error}\n"))
                }
            },
            "/healthz" => verdict(self.sick().await),
            "/readyz" => verdict(self.not_ready().await),
            _ => page(StatusCode::NOT_FOUND, "text/plain", "there are /metrics, /healthz and /readyz\n".to_string()),
        }
    }

    async fn metrics(&self) -> anyhow::Result<String> {
        let now = self.office.now();
        let figures = in_time(self.office.write(move |_, store| store.figures(now))).await?;
        let snapshot = Snapshot {
            now,
            figures: &figures,
            failures: &self.office.outages.all(),
            loops: (self.office.pulse.loops(), self.office.pulse.broken(Instant::now()).len()),
            process: Process::own(),
        };
        self.office.metrics.text(&snapshot)
    }

    /// Why the program is not alive: a loop is stuck, or the database does not answer. A restart may
    /// help; a mailbox that is away is no reason for one.
    async fn sick(&self) -> Vec<String> {
        let mut reasons = Condition::of(&self.office, &self.manager).hangs();
        reasons.extend(self.database_fault().await);
        reasons
    }

    /// Why the desk does not do its work at this moment.
    async fn not_ready(&self) -> Vec<String> {
        let mut reasons = Condition::of(&self.office, &self.manager).reasons(|at| at.to_string());
        reasons.extend(self.database_fault().await);
        reasons
    }

    async fn database_fault(&self) -> Option<String> {
        let asked = in_time(self.office.write(|_, store| store.outbox_pending())).await;
        asked.err().map(|error| format!("the database: {}", crate::log::error(&error)))
    }
}

/// What the database answers, if it does so soon enough: whoever asks for a page waits for it.
async fn in_time<T>(asked: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let answered = tokio::time::timeout(DATABASE_WITHIN, asked).await;
    answered.unwrap_or_else(|_| {
        Err(anyhow::anyhow!(
            "it does not answer within {} s: another program holds it (fuser desk.sqlite in the state directory names \
             it), a long command works on it (erase), or its disk hangs",
            DATABASE_WITHIN.as_secs()
        ))
    })
}

fn verdict(reasons: Vec<String>) -> Response<Full<Bytes>> {
    if reasons.is_empty() {
        return page(StatusCode::OK, "text/plain", "ok\n".to_string());
    }
    page(StatusCode::SERVICE_UNAVAILABLE, "text/plain", reasons.join("\n") + "\n")
}

fn page(status: StatusCode, kind: &'static str, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(hyper::header::CONTENT_TYPE, hyper::header::HeaderValue::from_static(kind));
    response
}
