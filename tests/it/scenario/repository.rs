//! A new repository for a project, and what happens when something goes wrong on the way.

use lockstep::model::{ProjectId, RepoName, UserId};
use serde_json::{Value, json};

use super::town::Town;
use crate::world::client::Answer;

async fn town() -> Town {
    let town = Town::start().await;
    town.github.user("ada");
    town.github.install("ada");
    town.github.org("guild", &[("olga", "admin"), ("ada", "member")]);
    town.authorize("site", "u_1", "ada").await;
    let change = json!({ "event_id": "e1", "changes": [{ "op": "put", "path": "a.txt", "content": "a\n" }] });
    town.host().post("/v1/projects/site/changes", &change).await.expect(202);
    town
}

fn wanted(owner: &str) -> Value {
    json!({ "user": "u_1", "owner": owner, "name": "site", "visibility": "private" })
}

async fn create(town: &Town, body: &Value) -> Answer {
    town.host().post("/v1/projects/site/repository", body).await
}

#[tokio::test]
async fn a_person_gets_one_with_the_projects_files() {
    let town = town().await;
    let mut body = wanted("ada");
    body["description"] = json!("Ada's site");
    let made = create(&town, &body).await.expect(201);
    assert_eq!(made["repository"]["full_name"], "ada/site");
    assert_eq!((&made["state"], &made["branch"]), (&json!("connected"), &json!("main")));
    town.drain().await;
    let repo = town.github.find_repo("ada/site").unwrap();
    assert_eq!(repo.text("main", "a.txt").as_deref(), Some("a\n"));
    assert_eq!(repo.log("main").len(), 1);
    let actions = town.actions("site").await;
    assert!(
        actions.contains(&"repository.created".to_owned()) && actions.contains(&"integration.connected".to_owned())
    );
}

/// The App makes it: GitHub tells it that Ada is an owner, which it does not tell ours.
fn let_the_app_make_it(town: &Town) {
    town.github.org("guild", &[("ada", "admin")]);
    tell_members(town);
}

/// Through an App that GitHub tells who is in an organization; ours does not ask for that.
fn tell_members(town: &Town) {
    town.github.set_permission(town.github.installation("guild").unwrap().id, "members", "read");
}

#[tokio::test]
async fn an_organization_gets_one_if_the_person_may() {
    for is_told in [false, true] {
        an_organization_gets_one(is_told).await;
    }
}

async fn an_organization_gets_one(is_told: bool) {
    let town = town().await;
    town.github.install("guild");
    if is_told {
        tell_members(&town);
    }
    town.github.members_can_create("guild", false);
    create(&town, &wanted("guild")).await.problem(403, "permission_missing");
    assert!(town.github.find_repo("guild/site").is_none());
    town.github.members_can_create("guild", true);
    let mut body = wanted("guild");
    body["visibility"] = json!("public");
    body["branch"] = json!("trunk");
    let made = create(&town, &body).await.expect(201);
    assert_eq!((&made["repository"]["private"], &made["branch"]), (&json!(false), &json!("trunk")));
    town.drain().await;
    let repo = town.github.find_repo("guild/site").unwrap();
    assert_eq!(repo.text("trunk", "a.txt").as_deref(), Some("a\n"));
    // What its members may GitHub tells owners only: it decided itself, by the person's own token.
    assert_eq!(town.github.count("POST /orgs"), 2);
}

#[tokio::test]
async fn who_left_an_organization_does_not_get_what_they_made_there() {
    let town = town().await;
    town.github.install("guild");
    let mut body = wanted("guild");
    body["visibility"] = json!("public");
    create(&town, &body).await.expect(201);
    town.engine.queue.clear().await.unwrap();
    town.sql().await.batch_execute("DELETE FROM integrations").await.unwrap();
    town.github.remove_member("guild", "ada");
    create(&town, &body).await.problem(403, "repository_not_accessible");
    assert_eq!(town.integration("site").await["state"], "disconnected");
}

#[tokio::test]
async fn the_same_request_twice_at_once_makes_one() {
    let town = town().await;
    let other = town.replica().await;
    town.github.delay_next("POST /user/repos", 1, std::time::Duration::from_millis(300));
    let (project, user) = (ProjectId::parse("site").unwrap(), UserId::parse("u_1").unwrap());
    let actor = lockstep::store::events::Actor::Host("test".to_owned());
    let asked = lockstep::store::linking::Asked { actor: &actor, request_id: None };
    let to_make = lockstep::engine::repository::ToMake {
        owner: "ada".to_owned(),
        name: RepoName::parse("site").unwrap(),
        description: None,
        private: true,
        branch: None,
    };
    let body = wanted("ada");
    let (one, two, three) = tokio::join!(
        create(&town, &body),
        create(&town, &body),
        other.engine().create_repository(&project, &user, &to_make, asked)
    );
    three.unwrap();
    assert_eq!(one.expect(201)["repository"], two.expect(201)["repository"]);
    assert_eq!(town.github.count("POST /user/repos"), 1);
    let made = town.count("SELECT repository_id FROM created_repositories").await;
    assert_eq!(made, town.github.find_repo("ada/site").unwrap().id() as i64);
    assert_eq!(town.count("SELECT count(*) FROM creation_claims").await, 0);
    // Whoever died with the claim keeps nobody waiting for long.
    let dead = "INSERT INTO creation_claims SELECT pid, gen_random_uuid(), now() - interval '1 second' FROM projects";
    town.sql().await.batch_execute(dead).await.unwrap();
    create(&town, &body).await.expect(201);
    town.drain().await;
}

#[tokio::test]
async fn another_visibility_is_another_repository() {
    let town = town().await;
    create(&town, &wanted("ada")).await.expect(201);
    let mut public = wanted("ada");
    public["visibility"] = json!("public");
    create(&town, &public).await.problem(409, "already_connected");
    town.engine.queue.clear().await.unwrap();
    town.sql().await.batch_execute("DELETE FROM integrations").await.unwrap();
    let problem = create(&town, &public).await.problem(409, "repository_name_taken");
    assert!(problem["detail"].as_str().unwrap().contains("it is private"), "{problem}");
    create(&town, &wanted("ada")).await.expect(201);
    town.engine.queue.clear().await.unwrap();
}

#[tokio::test]
async fn nobody_makes_one_in_an_account_that_is_not_theirs() {
    let town = town().await;
    town.github.user("bob");
    town.github.install("bob");
    create(&town, &wanted("bob")).await.problem(403, "permission_missing");
    town.github.org("strangers", &[("olga", "admin")]);
    town.github.install("strangers");
    create(&town, &wanted("strangers")).await.problem(403, "permission_missing");
    assert!(town.github.find_repo("bob/site").is_none() && town.github.find_repo("strangers/site").is_none());
}

#[tokio::test]
async fn without_the_app_it_says_where_to_install_it() {
    let town = town().await;
    let problem = create(&town, &wanted("guild")).await.problem(403, "permission_missing");
    let url = format!("{}/apps/{}/installations/new", town.github.url(), town.github.app().slug);
    assert!(problem["action"].as_str().unwrap().contains(&url), "{problem}");
    let installation = town.github.install("guild");
    town.github.suspend(installation);
    create(&town, &wanted("guild")).await.problem(409, "installation_suspended");
}

#[tokio::test]
async fn requests_are_read_strictly() {
    let town = town().await;
    for (field, value) in [
        ("name", json!("a b")),
        ("name", json!("..")),
        ("name", json!("x.git")),
        ("name", json!("X.WIKI")),
        ("name", json!("")),
        ("owner", json!("a/b")),
        ("visibility", json!("internal")),
        ("description", json!("x".repeat(351))),
        ("description", json!("a\nb")),
        ("branch", json!("a..b")),
        ("extra", json!(1)),
    ] {
        let mut body = wanted("ada");
        body[field] = value;
        assert_eq!(create(&town, &body).await.wrong_fields(), [field], "{body}");
    }
    assert_eq!(town.github.count("POST /user/repos"), 0);
}

#[tokio::test]
async fn a_taken_name_is_never_taken_over() {
    let town = town().await;
    town.github.repo("ada/site");
    for _ in 0..2 {
        create(&town, &wanted("ada")).await.problem(409, "repository_name_taken");
    }
    let mut body = wanted("ada");
    body["name"] = json!("SITE");
    create(&town, &body).await.problem(409, "repository_name_taken");
    assert_eq!(town.integration("site").await["state"], "disconnected");
}

#[tokio::test]
async fn a_lost_answer_is_found_again() {
    let town = town().await;
    town.github.drop_response_after_apply("POST /user/repos");
    create(&town, &wanted("ada")).await.expect(201);
    assert_eq!(town.github.count("POST /user/repos"), 1);
    town.drain().await;
    assert_eq!(town.github.find_repo("ada/site").unwrap().log("main").len(), 1);
}

#[tokio::test]
async fn after_a_crash_the_one_it_made_is_taken_up() {
    let town = town().await;
    town.github.drop_response_after_apply("POST /user/repos");
    // Free at first, and not to be looked at afterwards: as if the process had ended there.
    town.github.fail_next(" /repos/ada/site", 1, 404);
    town.github.fail_next(" /repos/ada/site", 9, 502);
    create(&town, &wanted("ada")).await.problem(503, "github_unavailable");
    town.github.clear_faults();
    let made = create(&town, &wanted("ada")).await.expect(201);
    assert_eq!(made["repository"]["id"], town.github.find_repo("ada/site").unwrap().id());
    assert_eq!(town.github.count("POST /user/repos"), 1);
    town.drain().await;
}

#[tokio::test]
async fn one_that_failed_and_was_then_made_by_another_is_not_taken_up() {
    let town = town().await;
    town.github.fail_next("POST /user/repos", 1, 502);
    create(&town, &wanted("ada")).await.problem(503, "github_unavailable");
    town.github.repo("ada/site");
    create(&town, &wanted("ada")).await.problem(409, "repository_name_taken");
}

#[tokio::test]
async fn one_it_made_is_taken_up_while_it_is_empty() {
    let town = town().await;
    create(&town, &wanted("ada")).await.expect(201);
    town.engine.queue.clear().await.unwrap();
    town.sql().await.batch_execute("DELETE FROM integrations").await.unwrap();
    // Another user, or another project, did not make it.
    town.authorize("site", "u_2", "ada").await;
    let mut other = wanted("ada");
    other["user"] = json!("u_2");
    create(&town, &other).await.problem(409, "repository_name_taken");
    let made = create(&town, &wanted("ada")).await.expect(201);
    assert_eq!(made["repository"]["full_name"], "ada/site");
    assert_eq!(town.github.count("POST /user/repos"), 1);
    town.engine.queue.clear().await.unwrap();
    town.sql().await.batch_execute("DELETE FROM integrations").await.unwrap();
    town.github.find_repo("ada/site").unwrap().push("main", &[("hers.txt", "x")]);
    create(&town, &wanted("ada")).await.problem(409, "repository_name_taken");
}

#[tokio::test]
async fn one_made_anew_by_another_is_not_taken_up() {
    let town = town().await;
    create(&town, &wanted("ada")).await.expect(201);
    town.engine.queue.clear().await.unwrap();
    town.sql().await.batch_execute("DELETE FROM integrations").await.unwrap();
    town.github.find_repo("ada/site").unwrap().delete();
    town.github.repo("ada/site");
    create(&town, &wanted("ada")).await.problem(409, "repository_name_taken");
}

#[tokio::test]
async fn a_connected_project_makes_no_other() {
    let town = town().await;
    create(&town, &wanted("ada")).await.expect(201);
    create(&town, &wanted("ada")).await.expect(201);
    let mut body = wanted("ada");
    body["name"] = json!("another");
    create(&town, &body).await.problem(409, "already_connected");
    assert_eq!(town.github.count("POST /user/repos"), 1);
    town.drain().await;
}

/// The rows of a crash: made at GitHub, and the connection was never written.
async fn lose_the_answer(town: &Town, owner: &str) {
    let (creating, name) = match owner {
        "ada" => ("POST /user/repos".to_owned(), " /repos/ada/site".to_owned()),
        _ => ("POST /orgs/{org}/repos".to_owned(), format!(" /repos/{owner}/site")),
    };
    town.github.drop_response_after_apply(&creating);
    // Free at first, and not to be looked at afterwards: as if the process had ended there.
    town.github.fail_next(&name, 1, 404);
    town.github.fail_next(&name, 9, 502);
    create(town, &wanted(owner)).await.problem(503, "github_unavailable");
    town.github.clear_faults();
}

/// The request was made so long ago that its time is over.
async fn much_later(town: &Town) {
    let earlier = "UPDATE created_repositories SET created_at = created_at - interval '1 hour'";
    town.sql().await.batch_execute(earlier).await.unwrap();
}

#[tokio::test]
async fn an_organizations_lost_answer_is_found_again() {
    let town = town().await;
    town.github.install("guild");
    town.github.drop_response_after_apply("POST /orgs/{org}/repos");
    let made = create(&town, &wanted("guild")).await.expect(201);
    assert_eq!(made["repository"]["id"], town.github.find_repo("guild/site").unwrap().id());
    assert_eq!(town.github.count("POST /orgs"), 1);
    town.drain().await;
    assert_eq!(town.github.find_repo("guild/site").unwrap().text("main", "a.txt").as_deref(), Some("a\n"));
}

#[tokio::test]
async fn github_says_that_the_app_made_it_however_late_one_asks() {
    let town = town().await;
    town.github.install("guild");
    let_the_app_make_it(&town);
    lose_the_answer(&town, "guild").await;
    much_later(&town).await;
    let made = create(&town, &wanted("guild")).await.expect(201);
    assert_eq!(made["repository"]["id"], town.github.find_repo("guild/site").unwrap().id());
    assert_eq!(town.github.count("POST /orgs"), 1);
    town.drain().await;
}

#[tokio::test]
async fn a_persons_own_is_taken_up_within_its_time_only() {
    let town = town().await;
    lose_the_answer(&town, "ada").await;
    much_later(&town).await;
    create(&town, &wanted("ada")).await.problem(409, "repository_name_taken");
}

#[tokio::test]
async fn one_that_a_colleague_makes_meanwhile_is_not_taken_up() {
    let town = town().await;
    town.github.install("guild");
    // GitHub fails without making it, and a colleague makes one of that name before we look.
    town.github.delay_next("POST /orgs/{org}/repos", 1, std::time::Duration::from_millis(400));
    town.github.fail_next("POST /orgs/{org}/repos", 1, 502);
    let colleague = async {
        while town.sql().await.query("SELECT FROM created_repositories", &[]).await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        town.github.repo_made_by("guild/site", "olga");
    };
    let body = wanted("guild");
    let (answer, ()) = tokio::join!(create(&town, &body), colleague);
    answer.problem(503, "github_unavailable");
    town.github.clear_faults();
    create(&town, &wanted("guild")).await.problem(409, "repository_name_taken");
    assert_eq!(town.integration("site").await["state"], "disconnected");
}

#[tokio::test]
async fn one_that_github_makes_after_we_looked_is_taken_up_when_the_app_made_it() {
    let town = town().await;
    town.github.install("guild");
    let_the_app_make_it(&town);
    lose_the_answer(&town, "guild").await;
    // As if we had looked, and it had not been there yet.
    town.sql().await.batch_execute("UPDATE created_repositories SET looked = true").await.unwrap();
    create(&town, &wanted("guild")).await.expect(201);
    assert_eq!(town.github.count("POST /orgs"), 1);
    town.drain().await;
}

#[tokio::test]
async fn a_project_that_is_new_is_made_whatever_becomes_of_the_request() {
    let town = Town::start().await;
    town.github.user("ada");
    let installation = town.github.install("ada");
    town.host().post("/v1/projects/one/repository", &wanted("ada")).await.problem(403, "authorization_required");
    let body = json!({ "user": "u_1", "installation_id": installation, "repository": "ada/site" });
    town.connect("two", &body).await.problem(403, "authorization_required");
    for project in ["one", "two"] {
        assert_eq!(town.integration(project).await["state"], "disconnected");
        assert_eq!(town.actions(project).await, ["project.created"]);
    }
}

#[tokio::test]
async fn the_right_to_make_one_is_asked_of_github_each_time() {
    let town = town().await;
    town.github.install("guild");
    town.github.remove_member("guild", "ada");
    create(&town, &wanted("guild")).await.problem(403, "permission_missing");
    town.authorize("site", "u_1", "olga").await;
    town.github.members_can_create("guild", false);
    create(&town, &wanted("guild")).await.expect(201);
    town.drain().await;
}
