//! The list of repositories that a person could connect.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::town::{Browser, Town};

const LIST: &str = "/v1/projects/site/repositories?user=u_1";

#[tokio::test]
async fn it_says_what_can_be_connected_and_why_not() {
    let town = Town::start().await;
    town.github.org("guild", &[("olga", "admin"), ("ada", "member")]);
    town.github.base_permission("guild", "read");
    town.github.repo("guild/readable").with(&[("a", "a")]);
    let (_, own) = town.repo("ada/site");
    town.github.repo("ada/old").with(&[("a", "a")]).archive(true);
    let guild = town.github.install("guild");
    town.authorize("site", "u_1", "ada").await;
    let list = town.host().get(LIST).await.expect(200);
    let named = |name: &str| -> Value {
        list["items"].as_array().unwrap().iter().find(|item| item["full_name"] == name).cloned().unwrap()
    };
    let site = named("ada/site");
    assert_eq!(
        (&site["permission"], &site["connectable"], &site["reason"]),
        (&json!("admin"), &json!(true), &json!(null))
    );
    assert_eq!((&site["installation_id"], &site["default_branch"]), (&json!(own), &json!("main")));
    assert_eq!(site["url"], format!("{}/ada/site", town.github.url()));
    let readable = named("guild/readable");
    assert_eq!((&readable["permission"], &readable["connectable"]), (&json!("read"), &json!(false)));
    assert_eq!(readable["reason"], "repository_not_accessible");
    let old = named("ada/old");
    assert_eq!((&old["archived"], &old["reason"]), (&json!(true), &json!("repository_archived")));
    let accounts: BTreeSet<_> = list["installations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["id"].as_u64().unwrap(), one["account"]["type"].as_str().unwrap()))
        .collect();
    assert!(accounts.is_superset(&BTreeSet::from([(own, "User"), (guild, "Organization")])), "{accounts:?}");
}

#[tokio::test]
async fn pages_go_over_all_installations() {
    let town = Town::start().await;
    town.github.org("guild", &[("ada", "admin")]);
    let mut expected = BTreeSet::new();
    for number in 0..130 {
        expected.insert(town.github.repo(&format!("guild/r{number}")).id());
    }
    for number in 0..3 {
        expected.insert(town.github.repo(&format!("ada/r{number}")).id());
    }
    town.github.install("ada");
    town.github.install("guild");
    town.authorize("site", "u_1", "ada").await;
    let (mut found, mut sizes, mut cursor) = (Vec::new(), Vec::new(), String::new());
    loop {
        let page = town.host().get(&format!("{LIST}&limit=40{cursor}")).await.expect(200);
        let ids: Vec<_> = page["items"].as_array().unwrap().iter().map(|item| item["id"].as_u64().unwrap()).collect();
        sizes.push(ids.len());
        found.extend(ids);
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(sizes, [40, 40, 40, 13]);
    assert_eq!(found.len(), expected.len());
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected);
    assert_eq!(town.host().get(&format!("{LIST}&cursor=nonsense")).await.wrong_fields(), ["cursor"]);
    assert_eq!(town.host().get(&format!("{LIST}&limit=0")).await.wrong_fields(), ["limit"]);
    assert_eq!(town.host().get(&format!("{LIST}&x=0")).await.wrong_fields(), ["x"]);
}

#[tokio::test]
async fn installing_the_app_leads_back_to_where_one_was() {
    let town = Town::start().await;
    town.github.set_app_urls(&[], Some(&format!("{}/github/setup", town.public().base())));
    town.github.repo("ada/site").with(&[("a", "a")]);
    town.authorize("site", "u_1", "ada").await;
    let list = town.host().get(&format!("{LIST}&return_to=/projects/site")).await.expect(200);
    assert_eq!(list["items"], json!([]));
    let url = list["install_url"].as_str().unwrap().to_owned();
    let slug = town.github.app().slug;
    assert!(url.starts_with(&format!("{}/apps/{slug}/installations/new?state=", town.github.url())), "{url}");
    let back = town.github.install_in_browser(&url, "ada", "ada", &[]).await.unwrap();
    let mut browser = Browser::new(&town);
    let answer = browser.open(&back).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/projects/site?lockstep=installed"));
    assert_eq!(browser.open(&back).await.status, 200, "a state is good once; then there is a page");
    let list = town.host().get(LIST).await.expect(200);
    assert_eq!(list["items"][0]["full_name"], "ada/site");
    assert_eq!(town.host().get(&format!("{LIST}&return_to=//evil.example")).await.wrong_fields(), ["return_to"]);
}

#[tokio::test]
async fn an_installation_state_finishes_no_authorization() {
    let town = Town::start().await;
    town.github.user("ada");
    town.authorize("site", "u_1", "ada").await;
    let list = town.host().get(LIST).await.expect(200);
    let url = list["install_url"].as_str().unwrap();
    let state = url.split("state=").nth(1).unwrap();
    let answer = Browser::new(&town).open(&format!("/github/callback?code=x&state={state}")).await;
    assert_eq!(answer.status, 400);
}
