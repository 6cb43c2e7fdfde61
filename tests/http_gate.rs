//! The gate, from outside: every route of the table against wrong hosts, missing keys, foreign pages, foreign types.
//! The routes are enumerated from the table that builds the router, so that a new one cannot escape.

mod server;
#[path = "trust/tier.rs"]
mod tier;

use offrecord::http::guard::Hosts;
use offrecord::http::headers::CONTENT_SECURITY_POLICY;
use offrecord::http::keys::Keys;
use offrecord::http::routes::{Access, Body, Route, TABLE};
use server::Server;

/// Host values that are not this server's, whatever they resolve to.
fn foreign_hosts(port: u16) -> Vec<String> {
    let other = if port == 65_535 { 1 } else { port + 1 };
    [
        "",
        " ",
        "evil.test",
        "evil.test:{p}",
        "localhost",
        "127.0.0.1",
        "[::1]",
        "localhost:{o}",
        "127.0.0.1:{o}",
        "[::1]:{o}",
        "localhost.:{p}",
        "127.0.0.1.:{p}",
        "LOCALHOST:{p}",
        "Localhost:{p}",
        "localhost:0{p}",
        "localhost:+{p}",
        "localhost:{p}:{p}",
        "localhost:{p}/",
        "localhost:{p}@evil.test",
        "evil.test@localhost:{p}",
        "user@127.0.0.1:{p}",
        "localhost:{p},evil.test",
        "localhost:{p} evil.test",
        "127.0.0.1:{p}.evil.test",
        "127.0.0.1.evil.test:{p}",
        "localhost.evil.test:{p}",
        "127.1:{p}",
        "0:{p}",
        "0.0.0.0:{p}",
        "[::]:{p}",
        "2130706433:{p}",
        "0x7f000001:{p}",
        "0177.0.0.1:{p}",
        "127.0.0.2:{p}",
        "[::ffff:127.0.0.1]:{p}",
        "[0:0:0:0:0:0:0:1]:{p}",
        "[::1%lo]:{p}",
        "::1:{p}",
        "192.168.1.10:{p}",
        "10.0.0.1:{p}",
        "169.254.169.254:{p}",
        "machine.local:{p}",
        "host.internal:{p}",
        "http://localhost:{p}",
        "localhost:{p}#",
        "localhost%3A{p}",
        "*:{p}",
    ]
    .iter()
    .map(|host| host.replace("{p}", &port.to_string()).replace("{o}", &other.to_string()))
    .collect()
}

fn path_of(route: &Route) -> String {
    route
        .path
        .replace("{id}", "0199a0b1-0000-7000-8000-000000000000")
        .replace("{n}", "1")
        .replace("{code}", &"0".repeat(64))
        .replace("{*path}", "app.js")
        .replace("{*rest}", "nothing/here")
}

fn mutating() -> impl Iterator<Item = &'static Route> {
    TABLE.iter().filter(|route| route.method != "GET")
}

/// All bytes of the data folder's files.
fn stored(server: &Server) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(server.folder.path())
        .expect("the data folder")
        .flatten()
        .filter(|entry| entry.path().is_file())
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), std::fs::read(entry.path()).expect("readable")))
        .collect();
    files.sort();
    files
}

/// The contract: an address may be added, never renamed silently.
#[test]
fn the_addresses_are_these() {
    let lines: Vec<String> = TABLE
        .iter()
        .map(|route| {
            let access = if route.access == Access::Open { "open" } else { "key" };
            let body = match route.body {
                Body::None => String::new(),
                Body::Json(bytes) => format!(" json <= {} KiB", bytes / 1024),
                Body::Model(bytes) => format!(" model <= {} GiB", bytes >> 30),
                Body::Sound(bytes) => format!(" sound <= {} KiB", bytes / 1024),
                Body::Document(bytes) => format!(" document <= {} KiB", bytes / 1024),
            };
            format!("{:6} {} {access}{body}", route.method.as_str(), route.path)
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    GET    / open
    GET    /{*path} open
    GET    /enter/{code} open
    GET    /healthz open
    GET    /api/version key
    GET    /api/status key
    POST   /api/links key
    GET    /api/content key
    GET    /api/models key
    POST   /api/models key model <= 256 GiB
    DELETE /api/models/{id} key
    POST   /api/models/{id}/pull key
    POST   /api/models/{id}/verify key
    GET    /api/benches key
    GET    /api/benches/{id}/report key
    GET    /api/benches/{id}/compare/{n} key
    POST   /api/documents key document <= 10240 KiB
    GET    /api/speech key
    POST   /api/speech/transcriptions key sound <= 6144 KiB
    POST   /api/speech/synthesis key json <= 256 KiB
    POST   /api/sessions key json <= 1024 KiB
    GET    /api/sessions key
    DELETE /api/sessions key
    GET    /api/sessions/{id} key
    DELETE /api/sessions/{id} key
    POST   /api/sessions/{id}/turns key json <= 1280 KiB
    GET    /api/sessions/{id}/boards/{n} key
    PUT    /api/sessions/{id}/recordings/{turn} key sound <= 6144 KiB
    GET    /api/sessions/{id}/recordings/{turn} key
    DELETE /api/sessions/{id}/recordings/{turn} key
    GET    /api/sessions/{id}/reply key
    PUT    /api/sessions/{id}/draft key json <= 512 KiB
    POST   /api/sessions/{id}/hint key
    POST   /api/sessions/{id}/pause key
    POST   /api/sessions/{id}/resume key
    POST   /api/sessions/{id}/finish key
    POST   /api/sessions/{id}/scorecards key json <= 256 KiB
    GET    /api/sessions/{id}/scorecards/{n} key
    GET    /api/sessions/{id}/export key
    POST   /api/sessions/{id}/export key json <= 256 KiB
    GET    /api/export key
    POST   /api/check key
    GET    /v1/models key
    POST   /v1/chat/completions key json <= 1024 KiB
    GET    /api/{*rest} key
    GET    /v1/{*rest} key
    ");
}

#[test]
fn a_foreign_host_gets_an_empty_403_on_every_route() {
    let server = Server::start();
    let bearer = server.bearer();
    let hosts = foreign_hosts(server.address.port());
    assert!(hosts.len() >= 45);
    for route in TABLE {
        for host in &hosts {
            let headers = [("Host", host.as_str()), ("Authorization", &bearer)];
            let answer = server.send(route.method.as_str(), &path_of(route), &headers, b"");
            assert_eq!(
                (answer.status, answer.body.len()),
                (403, 0),
                "{} {} with Host {host:?}",
                route.method,
                route.path
            );
            assert!(answer.header("set-cookie").is_none());
        }
    }
    tier::tried("T1", "foreign Host values on every route", hosts.len() * TABLE.len());
}

#[test]
fn raw_variants_of_the_host_are_refused() {
    let server = Server::start();
    let (own, bearer) = (server.address, server.bearer());
    let authorization = format!("Authorization: {bearer}\r\nConnection: close\r\n");
    let variants = [
        format!("GET /api/sessions HTTP/1.1\r\n{authorization}\r\n"),
        format!("GET /api/sessions HTTP/1.0\r\n{authorization}\r\n"),
        format!("GET /api/sessions HTTP/1.1\r\nHost: {own}\r\nHost: {own}\r\n{authorization}\r\n"),
        format!("GET /api/sessions HTTP/1.1\r\nHost: {own}\r\nHost: evil.test\r\n{authorization}\r\n"),
        format!("GET http://{own}/api/sessions HTTP/1.1\r\nHost: {own}\r\n{authorization}\r\n"),
        format!("GET http://evil.test/api/sessions HTTP/1.1\r\nHost: {own}\r\n{authorization}\r\n"),
        format!("CONNECT {own} HTTP/1.1\r\nHost: {own}\r\n{authorization}\r\n"),
        format!("GET /api/sessions HTTP/1.1\r\nX-Forwarded-Host: {own}\r\nHost: evil.test\r\n{authorization}\r\n"),
    ];
    for variant in variants {
        let answer = server.raw(variant.as_bytes());
        assert_eq!((answer.status, answer.body.len()), (403, 0), "{variant}");
    }
    // Malformed beyond HTTP: never an answer from a handler.
    for variant in ["GET /api/sessions HTTP/1.1\nHost : x\n\n", "\0\0\0\0\r\n\r\n", "GET /api/sessions\r\n\r\n"] {
        let answer = server.raw(variant.as_bytes());
        assert!(matches!(answer.status, 0 | 400 | 403), "{variant}: {}", answer.status);
    }
    tier::tried("T1", "requests that name the host in raw ways", 11);
}

#[test]
fn nothing_but_the_page_is_open_without_a_key() {
    let server = Server::start();
    let host = server.address.to_string();
    let earlier = Keys::draw(server.address.port()).expect("randomness");
    let earlier_cookie = {
        let code = earlier.new_code().expect("randomness");
        earlier.redeem(&code).expect("fresh").split(';').next().expect("a pair").to_owned()
    };
    let own = server.room.keys.token().to_owned();
    let proofs: Vec<Vec<(&str, String)>> = vec![
        vec![],
        vec![("Authorization", format!("Bearer {}", earlier.token()))],
        vec![("Authorization", format!("Bearer {}x", own))],
        vec![("Authorization", format!("Bearer {}", &own[..63]))],
        vec![("Authorization", "Bearer".into())],
        vec![("Authorization", format!("Basic {own}"))],
        vec![("Authorization", own.clone())],
        vec![("Authorization", format!("Bearer {own}")), ("Authorization", format!("Bearer {own}"))],
        vec![("Cookie", earlier_cookie)],
        vec![("Cookie", format!("offrecord-{}=", server.address.port()))],
        vec![("X-Token", own.clone())],
    ];
    for route in TABLE.iter().filter(|route| route.access == Access::Key) {
        for proof in &proofs {
            let mut headers = vec![("Host", host.as_str())];
            headers.extend(proof.iter().map(|(name, value)| (*name, value.as_str())));
            let answer = server.send(route.method.as_str(), &path_of(route), &headers, b"");
            assert_eq!(answer.status, 401, "{} {} with {proof:?}", route.method, route.path);
        }
    }
    // A token in the address proves nothing.
    let answer = server.send("GET", &format!("/api/sessions?token={own}&t={own}"), &[("Host", &host)], b"");
    assert_eq!(answer.status, 401);
    // Addresses that do not exist need a key as well.
    for (method, path) in
        [("GET", "/api/secret"), ("POST", "/"), ("PUT", "/app.js"), ("OPTIONS", "/api/sessions"), ("TRACE", "/")]
    {
        let answer = server.send(method, path, &[("Host", &host)], b"");
        assert_eq!(answer.status, 401, "{method} {path}");
    }
    tier::tried(
        "T3",
        "missing and wrong keys on every route",
        proofs.len() * TABLE.iter().filter(|route| route.access == Access::Key).count() + 6,
    );
}

#[test]
fn open_routes_are_the_ones_we_mean() {
    let open: Vec<&str> = TABLE.iter().filter(|route| route.access == Access::Open).map(|route| route.path).collect();
    assert_eq!(open, ["/", "/{*path}", "/enter/{code}", "/healthz"]);
}

#[test]
fn a_one_time_link_works_once_and_its_cookie_opens_the_page() {
    let server = Server::start();
    let host = server.address.to_string();
    let code = server.room.keys.new_code().expect("randomness");
    let entered = server.send("GET", &format!("/enter/{code}"), &[("Host", &host)], b"");
    assert_eq!((entered.status, entered.header("location")), (303, Some("/")));
    assert_eq!(entered.header("referrer-policy"), Some("no-referrer"));
    let cookie = entered.header("set-cookie").expect("a cookie");
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict"), "{cookie}");
    let pair = cookie.split(';').next().expect("a pair");
    assert_eq!(server.send("GET", "/api/sessions", &[("Host", &host), ("Cookie", pair)], b"").status, 200);
    let again = server.send("GET", &format!("/enter/{code}"), &[("Host", &host)], b"");
    assert_eq!(again.status, 401);
    assert!(again.header("set-cookie").is_none());
    assert_eq!(server.send("HEAD", "/healthz", &[("Host", &host)], b"").status, 200);
    tier::tried("T3", "uses of a one-time link", 2);
}

#[test]
fn foreign_pages_change_nothing_on_any_mutating_route() {
    let server = Server::start();
    server.session("system-design");
    let before = stored(&server);
    let host = server.address.to_string();
    let own_origin = format!("http://{host}");
    let other_port = "http://localhost:3000";
    let (bearer, cookie) = (server.bearer(), server.cookie());
    let combinations: Vec<Vec<(&str, &str)>> = vec![
        vec![("Cookie", &cookie)],
        vec![("Cookie", &cookie), ("Origin", &own_origin)],
        vec![("Cookie", &cookie), ("Sec-Fetch-Site", "none")],
        vec![("Cookie", &cookie), ("Sec-Fetch-Site", "cross-site")],
        vec![("Cookie", &cookie), ("Sec-Fetch-Site", "same-site"), ("Origin", other_port)],
        vec![("Cookie", &cookie), ("Sec-Fetch-Site", "same-site"), ("Origin", &own_origin)],
        vec![("Cookie", &cookie), ("Sec-Fetch-Site", "same-origin"), ("Origin", other_port)],
        vec![("Cookie", &cookie), ("Sec-Fetch-Site", "same-origin"), ("Origin", "null")],
        vec![("Cookie", &cookie), ("Sec-Fetch-Site", "SAME-ORIGIN")],
        vec![("Cookie", &cookie), ("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Site", "cross-site")],
        vec![("Authorization", &bearer), ("Sec-Fetch-Site", "cross-site")],
        vec![("Authorization", &bearer), ("Sec-Fetch-Site", "same-site")],
        vec![("Authorization", &bearer), ("Origin", "http://evil.test")],
        vec![("Authorization", &bearer), ("Origin", "null")],
        vec![("Authorization", &bearer), ("Origin", "https://127.0.0.1")],
    ];
    assert!(combinations.len() >= 14);
    for route in mutating() {
        for extra in &combinations {
            let mut headers = vec![("Host", host.as_str()), ("Content-Type", "application/json")];
            headers.extend(extra.iter().copied());
            let answer = server.send(route.method.as_str(), &path_of(route), &headers, b"{}");
            assert_eq!((answer.status, answer.code().as_str()), (403, "cross_site"), "{} {extra:?}", route.path);
        }
    }
    assert_eq!(stored(&server), before, "nothing was written");
    // Neither may a page elsewhere read.
    for site in ["cross-site", "same-site"] {
        let headers = [("Host", host.as_str()), ("Cookie", &cookie), ("Sec-Fetch-Site", site)];
        assert_eq!(server.send("GET", "/api/sessions", &headers, b"").status, 403);
    }
    tier::tried(
        "T2",
        "header combinations of foreign pages on every changing route",
        combinations.len() * mutating().count() + 2,
    );
}

#[test]
fn the_page_and_programs_pass() {
    let server = Server::start();
    let host = server.address.to_string();
    let origin = format!("http://{host}");
    let (bearer, cookie) = (server.bearer(), server.cookie());
    let body = br#"{"round":"behavioural","level":"staff","minutes":15,"mode":"coach"}"#;
    let json = ("Content-Type", "application/json; charset=utf-8");
    let page =
        [("Host", host.as_str()), ("Cookie", &cookie), ("Sec-Fetch-Site", "same-origin"), ("Origin", &origin), json];
    assert_eq!(server.send("POST", "/api/sessions", &page, body).status, 201);
    let program = [("Host", host.as_str()), ("Authorization", &bearer), json];
    assert_eq!(server.send("POST", "/api/sessions", &program, body).status, 201);
    for name in ["localhost", "[::1]"] {
        let own = format!("{name}:{}", server.address.port());
        assert_eq!(server.send("GET", "/api/sessions", &[("Host", &own), ("Authorization", &bearer)], b"").status, 200);
    }
}

#[test]
fn no_origin_gets_a_cors_header() {
    let server = Server::start();
    let (host, bearer) = (server.address.to_string(), server.bearer());
    let own = format!("http://{host}");
    let origins = [
        "http://evil.test",
        "https://evil.test",
        "null",
        "*",
        "http://localhost",
        "http://localhost:3000",
        own.as_str(),
        "file://",
        "chrome-extension://abc",
        "http://127.0.0.1",
    ];
    for route in TABLE {
        for origin in origins {
            for method in [route.method.as_str(), "OPTIONS"] {
                let headers = [
                    ("Host", host.as_str()),
                    ("Authorization", &bearer),
                    ("Origin", origin),
                    ("Access-Control-Request-Method", "POST"),
                    ("Access-Control-Request-Private-Network", "true"),
                ];
                let answer = server.send(method, &path_of(route), &headers, b"");
                let cors = answer.headers.iter().find(|(name, _)| name.starts_with("access-control"));
                assert!(cors.is_none(), "{method} {} gives {origin} {cors:?}", route.path);
            }
        }
    }
    tier::tried("T4", "origins on every route, and OPTIONS", origins.len() * TABLE.len() * 2);
}

#[test]
fn every_response_carries_the_policy() {
    let server = Server::start();
    let (host, bearer) = (server.address.to_string(), server.bearer());
    let secured = |answer: &server::client::Answer, what: &str| {
        let policy = answer.header("content-security-policy");
        assert!(policy == Some(CONTENT_SECURITY_POLICY) || policy == Some("sandbox"), "{what}: {policy:?}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("x-frame-options", "DENY"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{what}");
        }
        assert!(answer.header("cache-control").is_some(), "{what}");
    };
    for route in TABLE {
        let path = path_of(route);
        let with_key = [("Host", host.as_str()), ("Authorization", &bearer)];
        for (headers, what) in [(&with_key[..], "with key"), (&with_key[..1], "without key"), (&[][..], "without host")]
        {
            let answer = server.send(route.method.as_str(), &path, headers, b"");
            secured(&answer, &format!("{} {path} {what}", route.method));
        }
    }
    secured(&server.send("GET", "/no-such-page", &[("Host", &host)], b""), "404");
    secured(&server.send("DELETE", "/healthz", &[("Host", &host), ("Authorization", &bearer)], b""), "405");
    tier::tried("T5", "responses of every route, looked at for the policy", TABLE.len() * 3 + 2);
}

#[test]
fn bodies_are_of_the_declared_type() {
    let server = Server::start();
    let (host, bearer) = (server.address.to_string(), server.bearer());
    let types = [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/json",
        "application/jsonx",
        "application/json-seq",
        "text/plain; application/json",
        "",
        ";",
        "application /json",
        "application/xml",
        "image/png",
        "text/html",
        "application/octet-stream",
        "application/json, text/plain",
    ];
    for route in mutating() {
        for media_type in types.into_iter().filter(|name| !route.body.takes(name.split(';').next().unwrap_or_default()))
        {
            let headers = [("Host", host.as_str()), ("Authorization", &bearer), ("Content-Type", media_type)];
            let answer = server.send(route.method.as_str(), &path_of(route), &headers, b"{}");
            assert_eq!(answer.status, 415, "{} {media_type:?}", route.path);
        }
        let untyped =
            server.send(route.method.as_str(), &path_of(route), &[("Host", &host), ("Authorization", &bearer)], b"{}");
        assert_eq!(untyped.status, 415, "{}", route.path);
        let twice = [
            ("Host", host.as_str()),
            ("Authorization", &bearer),
            ("Content-Type", "application/json"),
            ("Content-Type", "application/json"),
        ];
        assert_eq!(server.send(route.method.as_str(), &path_of(route), &twice, b"{}").status, 415, "{}", route.path);
    }
    tier::tried("T16", "foreign content types on every changing route", types.len() * mutating().count());
}

#[test]
fn bodies_are_within_their_routes_limit() {
    let server = Server::start();
    let (host, bearer) = (server.address.to_string(), server.bearer());
    let headers = [("Host", host.as_str()), ("Authorization", &bearer), ("Content-Type", "application/json")];
    let padded = |bytes: usize| {
        let mut body = vec![b' '; bytes];
        body[0] = b'{';
        body[bytes - 1] = b'}';
        body
    };
    for route in mutating().filter(|route| matches!(route.body, Body::Json(_))) {
        let (limit, path) = (route.body.limit(), path_of(route));
        for bytes in [limit - 1, limit] {
            let answer = server.send(route.method.as_str(), &path, &headers, &padded(bytes));
            assert!(matches!(answer.status, 404 | 422), "{path} with {bytes}: {}", answer.status);
        }
        let over = server.send(route.method.as_str(), &path, &headers, &padded(limit + 1));
        assert_eq!(over.status, 413, "{path}");
        // Without a declared length the bytes themselves are counted.
        let mut chunked = format!(
            "{} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {bearer}\r\nContent-Type: application/json\r\n\
             Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n",
            route.method,
            limit + 1
        )
        .into_bytes();
        chunked.extend(padded(limit + 1));
        chunked.extend(b"\r\n0\r\n\r\n");
        assert_eq!(server.raw(&chunked).status, 413, "{path} chunked");
    }
    tier::tried(
        "T16",
        "bodies around the limit of every route, declared and chunked",
        4 * mutating().filter(|route| matches!(route.body, Body::Json(_))).count(),
    );
}

#[test]
fn hosts_of_a_remote_server_are_still_exact() {
    // 0.0.0.0 cannot be tested from outside without another machine: the rule itself is tested beside the code.
    let hosts = Hosts::of("10.1.2.3:7447".parse().expect("an address"));
    assert!(hosts.know("10.1.2.3:7447") && !hosts.know("evil.test:7447"));
}
