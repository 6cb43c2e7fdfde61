//! The accept loop: who may be connected, for how long, and how it ends.
//!
//! Owns sockets and their time limits; knows no routes. A connection that dribbles its headers, never reads its
//! answer or just sits there costs one of [`Limits::connections`] places for a bounded time; when all are taken, the
//! one that has waited longest without a request makes room, so that idlers cannot lock anybody out.

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::response::Response;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::stall::Stall;

/// Time and number limits of the loop.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at once.
    pub connections: usize,
    /// For a whole request head, and for an idle kept-alive connection.
    pub head: Duration,
    /// For a whole request body, however slowly it dribbles in.
    pub body: Duration,
    /// For the client to take the next bytes of an answer.
    pub write: Duration,
    /// For open answers to end once the server stops.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 256,
            head: Duration::from_secs(10),
            body: Duration::from_secs(20),
            write: Duration::from_secs(30),
            drain: Duration::from_secs(2),
        }
    }
}

/// Serves until `stopping` is cancelled, then lets open answers end for at most [`Limits::drain`].
pub async fn serve(listener: TcpListener, router: Router, limits: Limits, stopping: CancellationToken) {
    let crowd = Arc::new(Crowd::default());
    let tasks = TaskTracker::new();
    let cut = CancellationToken::new();
    loop {
        let accepted = tokio::select! {
            () = stopping.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file descriptors, or the client is gone again: neither may end the loop.
                tracing::warn!("a connection could not be accepted: {error}");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Some(guest) = crowd.admit(limits.connections, &cut) else { continue };
        tasks.spawn(attend(stream, router.clone(), limits, guest, stopping.clone()));
    }
    drop(listener);
    tasks.close();
    if tokio::time::timeout(limits.drain, tasks.wait()).await.is_err() {
        cut.cancel();
        tasks.wait().await;
    }
}

/// Serves one connection to its end.
async fn attend(stream: TcpStream, router: Router, limits: Limits, guest: Guest, stopping: CancellationToken) {
    let _ = stream.set_nodelay(true);
    let place = guest.place.clone();
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(limits);
        let (router, place) = (router.clone(), place.clone());
        async move {
            place.begin();
            let Ok(response) = router.oneshot(request.map(Body::new)).await;
            Ok::<Response, Infallible>(response.map(|body| Body::new(Attended { body, place })))
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(Stall::new(stream, limits.write)), service);
    let mut connection = pin!(connection);
    let mut told = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!("a connection broke off: {error}");
                }
                return;
            }
            () = stopping.cancelled(), if !told => {
                told = true;
                connection.as_mut().graceful_shutdown();
            }
            () = guest.place.leave.cancelled() => return,
        }
    }
}

/// Everyone connected.
#[derive(Default)]
struct Crowd {
    places: Mutex<HashMap<u64, Arc<Place>>>,
    next: std::sync::atomic::AtomicU64,
}

/// One connection's entry in the crowd.
struct Place {
    /// Since when no request is being answered; none while one is.
    waiting_since: Mutex<Option<Instant>>,
    leave: CancellationToken,
}

/// Holds a place until dropped.
struct Guest {
    crowd: Arc<Crowd>,
    id: u64,
    place: Arc<Place>,
}

impl Crowd {
    /// A place for a newcomer, if need be that of the one who waited longest without a request; none when all are
    /// being answered.
    fn admit(self: &Arc<Self>, most: usize, cut: &CancellationToken) -> Option<Guest> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if places.len() >= most {
            let (&id, _) = places
                .iter()
                .filter_map(|(id, place)| place.waiting().map(|since| (id, since)))
                .min_by_key(|(_, since)| *since)?;
            places.remove(&id)?.leave.cancel();
        }
        let id = self.next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let place = Arc::new(Place { waiting_since: Mutex::new(Some(Instant::now())), leave: cut.child_token() });
        places.insert(id, place.clone());
        Some(Guest { crowd: self.clone(), id, place })
    }
}

impl Place {
    fn waiting(&self) -> Option<Instant> {
        *self.waiting_since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self) {
        *self.waiting_since.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn end(&self) {
        *self.waiting_since.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.crowd.places.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

/// A response body that says when it is over.
struct Attended {
    body: Body,
    place: Arc<Place>,
}

impl HttpBody for Attended {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Attended {
    fn drop(&mut self) {
        self.place.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_waiting_makes_room_and_the_busy_stay() {
        let crowd = Arc::new(Crowd::default());
        let cut = CancellationToken::new();
        let busy = crowd.admit(2, &cut).expect("a free place");
        busy.place.begin();
        let idle = crowd.admit(2, &cut).expect("a free place");
        let third = crowd.admit(2, &cut).expect("the idle one's place");
        assert!(idle.place.leave.is_cancelled() && !busy.place.leave.is_cancelled());
        third.place.begin();
        assert!(crowd.admit(2, &cut).is_none(), "all are being answered");
        drop(busy);
        assert!(crowd.admit(2, &cut).is_some());
    }
}
