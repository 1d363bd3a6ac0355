//! Nobody reaches what is not theirs: every route of the document that names a project, on both
//! listeners, tried by everybody who may not. None of them reads or changes anything.

use http::Method;

use super::routes::{Route, Site};
use super::town::Town;
use crate::world::process::run;
use crate::world::{API_KEY, Client};

/// The roles of a panel, least first.
const ROLES: [&str; 3] = ["viewer", "editor", "owner"];

/// The least role that may do this from a panel, by the words of the contract; none: nobody may.
/// What is new and writes is an owner's until the contract says otherwise.
fn least_role(route: &Route) -> Option<&'static str> {
    let part = route.tail.trim_start_matches('/').split('/').next().unwrap();
    let reads = matches!(route.method, Method::GET | Method::HEAD);
    match part {
        "changes" | "tree" | "panel-sessions" => None,
        "" if route.method == Method::DELETE => None,
        "repositories" => Some("owner"),
        _ if reads => Some("viewer"),
        "syncs" | "conflicts" | "confirm" | "restore" | "pull-requests" => Some("editor"),
        _ => Some("owner"),
    }
}

/// Who may not, and the status each is told.
struct Stranger {
    name: String,
    client: Client,
    status: u16,
    code: &'static str,
}

fn stranger(name: &str, client: Client, status: u16) -> Stranger {
    let code = match status {
        401 => "unauthorized",
        403 => "forbidden",
        _ => "not_found",
    };
    Stranger { name: name.to_owned(), client, status, code }
}

/// A key that may call `changes`, `tree` and `files` only.
fn small_key(town: &Town) -> String {
    let env = [("LOCKSTEP_DATABASE_URL".to_owned(), town.env["LOCKSTEP_DATABASE_URL"].clone())].into();
    let output = run(&["keys", "create", "--name", "ci", "--scope", "changes"], &env);
    let line: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    line["key"].as_str().unwrap().to_owned()
}

impl Site {
    /// Everybody who may not do this on the internal listener.
    fn outside(&self, route: &Route, key: &str, session: &Client) -> Vec<Stranger> {
        let internal = || self.town.internal();
        let mut all = vec![
            stranger("nobody", internal(), 401),
            stranger("a wrong key", internal().with_token(&format!("{API_KEY}x")), 401),
            stranger("a session", moved(session, &internal()), 401),
        ];
        let part = route.tail.trim_start_matches('/').split('/').next().unwrap();
        if !matches!(part, "changes" | "tree" | "files") {
            all.push(stranger("a key for changes", internal().with_token(key), 403));
        }
        all
    }

    /// Everybody who may not do this from a panel.
    async fn in_panels(&self, route: &Route, key: &str, sessions: &Sessions) -> Vec<Stranger> {
        let public = || self.town.public();
        let mut all = vec![
            stranger("nobody", public(), 401),
            stranger("a key", public().with_token(API_KEY), 401),
            stranger("a key for changes", public().with_token(key), 401),
            stranger("another project's owner", sessions.other.clone(), 403),
        ];
        let least = least_role(route).and_then(|role| ROLES.iter().position(|known| *known == role));
        for role in &ROLES[..least.unwrap_or(ROLES.len())] {
            all.push(stranger(role, sessions.of(role), 403));
        }
        all
    }

    async fn turns_away(&self, who: &Stranger, route: &Route, base: &str) {
        let answer = self.ask(&who.client, route, base).await;
        let what = format!("{} {base}{} as {}", route.method, route.tail, who.name);
        assert!(!answer.text().contains("needle"), "{what}: {}", answer.text());
        if route.method == Method::HEAD {
            assert!([who.status, 405].contains(&answer.status), "{what}: {}", answer.status);
        } else {
            assert_eq!(answer.status, who.status, "{what}: {}", answer.text());
            answer.problem(who.status, who.code);
        }
    }
}

struct Sessions {
    own: Vec<Client>,
    other: Client,
}

impl Sessions {
    async fn of_town(town: &Town) -> Sessions {
        let mut own = Vec::new();
        for role in ROLES {
            own.push(town.panel("site", "u_1", role).await);
        }
        Sessions { own, other: town.panel("other", "u_1", "owner").await }
    }

    fn of(&self, role: &str) -> Client {
        self.own[ROLES.iter().position(|known| *known == role).unwrap()].clone()
    }
}

/// The same credentials on another listener.
fn moved(session: &Client, to: &Client) -> Client {
    session.clone().on(to.base())
}

/// Every method of the document, and HEAD where there is GET.
async fn all_routes(site: &Site) -> Vec<Route> {
    let mut routes = site.routes().await;
    let reads: Vec<Route> = routes.iter().filter(|route| route.method == Method::GET).cloned().collect();
    routes.extend(reads.into_iter().map(|route| Route { method: Method::HEAD, ..route }));
    routes
}

#[actix_web::test]
async fn nobody_reads_or_changes_what_is_not_theirs() {
    let site = Site::start().await;
    let (key, sessions) = (small_key(&site.town), Sessions::of_town(&site.town).await);
    let before = site.town.rows().await;
    for route in all_routes(&site).await {
        for who in site.outside(&route, &key, &sessions.of("owner")) {
            site.turns_away(&who, &route, "/v1/projects/site").await;
        }
        for who in site.in_panels(&route, &key, &sessions).await {
            site.turns_away(&who, &route, "/panel/site/api").await;
        }
        // Neither listener has the other's addresses, whoever asks.
        let (host, panel) =
            (site.town.public().with_token(API_KEY), moved(&sessions.of("owner"), &site.town.internal()));
        site.turns_away(&stranger("the host in public", host, 404), &route, "/v1/projects/site").await;
        site.turns_away(&stranger("a panel inside", panel, 404), &route, "/panel/site/api").await;
        assert!(site.town.rows().await == before, "{} {} changed something", route.method, route.tail);
    }
}

#[actix_web::test]
async fn those_who_may_are_let_in() {
    let site = Site::start().await;
    let (key, sessions) = (small_key(&site.town), Sessions::of_town(&site.town).await);
    let mut routes = site.routes().await;
    // What takes things away comes last; a stream of events does not end.
    routes.retain(|route| route.tail != "/events");
    routes.sort_by_key(|route| (route.method == Method::DELETE, route.method != Method::GET, route.tail.is_empty()));
    let let_in = async |client: &Client, route: &Route, base: &str| {
        let answer = site.ask(client, route, base).await;
        let said = answer.text();
        let refused = answer.status == 401 || answer.status == 404 || said.contains("\"forbidden\"");
        assert!(!refused, "{} {base}{}: {said}", route.method, route.tail);
    };
    for route in &routes {
        if let Some(role) = least_role(route) {
            let_in(&sessions.of(role), route, "/panel/site/api").await;
        }
        if matches!(route.tail.as_str(), "/changes" | "/tree" | "/files" | "/files/{path}") {
            let_in(&site.town.internal().with_token(&key), route, "/v1/projects/site").await;
        }
        let_in(&site.town.host(), route, "/v1/projects/site").await;
    }
}

#[actix_web::test]
async fn lists_over_all_projects_are_the_hosts() {
    let site = Site::start().await;
    let (key, session) = (small_key(&site.town), site.town.panel("site", "u_1", "owner").await);
    let internal = || site.town.internal();
    for path in ["/v1/projects", "/v1/audit", "/v1/dead-letters", "/console/api/overview"] {
        internal().get(path).await.problem(401, "unauthorized");
        moved(&session, &internal()).get(path).await.problem(401, "unauthorized");
        internal().with_token(&key).get(path).await.problem(403, "forbidden");
        site.town.public().with_token(API_KEY).get(path).await.problem(404, "not_found");
        assert_eq!(site.town.host().get(path).await.status, 200, "{path}");
    }
}

#[actix_web::test]
async fn no_spelling_of_an_address_leads_into_another_project() {
    let site = Site::start().await;
    let other = site.town.panel("other", "u_1", "owner").await;
    for path in [
        "/panel/other/../site/api/integration",
        "/panel/other/%2e%2e/site/api/integration",
        "/panel/other%2F..%2Fsite/api/integration",
        "/panel/other/api/../../site/api/integration",
        "/panel/other/api/files/../../../site/api/files/needle.txt",
        "/panel/other/api/files/..%2F..%2F..%2Fsite%2Fapi%2Ffiles%2Fneedle.txt",
        "//panel/site/api/integration",
        "/panel//site/api/integration",
        "/panel/site;other/api/integration",
        "/panel/s%69te/api/integration",
        "/panel/site%00/api/integration",
        "/panel/site/api//integration",
    ] {
        let answer = other.get(path).await;
        assert!((400..500).contains(&answer.status), "{path}: {}", answer.status);
        assert!(!answer.text().contains("needle"), "{path}: {}", answer.text());
    }
}
