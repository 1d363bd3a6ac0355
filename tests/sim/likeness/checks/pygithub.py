"""PyGithub as an App and as a person: it reads what it is answered into its own types."""

import os

from github import Auth, Github, GithubException, GithubIntegration, InputGitTreeElement

url = os.environ["SIM_URL"]
installation = int(os.environ["SIM_INSTALLATION"])
app_auth = Auth.AppAuth(int(os.environ["SIM_APP_ID"]), os.environ["SIM_KEY"])


def as_app() -> None:
    integration = GithubIntegration(auth=app_auth, base_url=url)
    assert integration.get_app().slug == "lockstep-sim"
    assert integration.get_org_installation("acme").id == installation
    token = integration.get_access_token(installation, permissions={"contents": "read"})
    assert token.permissions == {"contents": "read"}, token.permissions


def as_installation() -> None:
    auth = app_auth.get_installation_auth(installation)
    repo = Github(auth=auth, base_url=url, seconds_between_writes=0).get_repo("acme/site")
    assert repo.private and repo.default_branch == "main" and repo.owner.type == "Organization"
    main = repo.get_branch("main")
    element = InputGitTreeElement("py.txt", "100644", "blob", content="hi\n")
    tree = repo.create_git_tree([element], base_tree=main.commit.commit.tree)
    parent = repo.get_git_commit(main.commit.sha)
    commit = repo.create_git_commit("By PyGithub", tree, [parent])
    repo.create_git_ref("refs/heads/py", commit.sha)
    assert repo.get_contents("py.txt", ref="py").decoded_content == b"hi\n"
    names = {item.path: item.mode for item in repo.get_git_tree("py", recursive=True).tree}
    assert names["src/run"] == "100755" and names["link"] == "120000" and names["lib"] == "160000"
    compared = repo.compare("main", "py")
    assert compared.ahead_by == 1 and [f.filename for f in compared.files] == ["py.txt"]
    pull = repo.create_pull(base="main", head="py", title="From PyGithub", body="")
    assert pull.mergeable and pull.commits == 1 and pull.get_files()[0].additions == 1
    assert pull.merge(merge_method="squash").merged
    assert repo.get_pull(pull.number).merged
    assert "From PyGithub" in repo.get_commits()[0].commit.message
    made = repo.create_file("new.txt", "Add", "x", branch="main")
    repo.update_file("new.txt", "Change", "y", made["content"].sha, branch="main")
    repo.delete_file("new.txt", "Delete", repo.get_contents("new.txt").sha, branch="main")
    try:
        repo.get_contents("nowhere")
    except GithubException as error:
        assert error.status == 404
    else:
        raise AssertionError("a file that is not there was found")


def as_person() -> None:
    person = Github(auth=Auth.Token(os.environ["SIM_USER_TOKEN"]), base_url=url)
    assert person.get_user().login == "alice"
    assert [it.id for it in person.get_user().get_installations()] == [installation]
    assert person.get_repo("acme/site").permissions.admin
    assert person.get_rate_limit().rate.limit == 5000


as_app()
as_installation()
as_person()
