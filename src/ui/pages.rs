//! The pages themselves. Those with a script load script and style from `/assets`; those without
//! carry their style inside, so that one answer is enough whatever else fails.

use super::assets;

/// Text made safe between tags and in quoted attributes.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(c),
        }
    }
    safe
}

/// Content-Security-Policy of pages with a script; `frame-ancestors` is added at the edge.
pub const WITH_SCRIPT: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     img-src 'self' data:; base-uri 'none'; form-action 'self'";

/// Content-Security-Policy of pages without; `form_action`: where a form on it may go.
pub fn without_script(form_action: &str) -> String {
    let style = &*assets::PAGE_STYLE_HASH;
    format!("default-src 'none'; style-src {style}; img-src data:; base-uri 'none'; form-action {form_action}")
}

/// A whole page without a script, around HTML that is already safe.
pub fn plain(title: &str, body: &str) -> String {
    document(title, &format!("<style>{}</style>", *assets::PAGE_STYLE), body)
}

/// One sheet in the middle of the page: a title and paragraphs of plain text.
pub fn sheet(title: &str, paragraphs: &[&str]) -> String {
    plain(title, &sheet_body(&text(title, paragraphs)))
}

/// The same with a line in small print under it.
pub fn small_print(title: &str, paragraphs: &[&str], small: &str) -> String {
    let small = format!("<p class=\"muted small after\">{}</p>", escape(small));
    plain(title, &sheet_body(&(text(title, paragraphs) + &small)))
}

fn text(title: &str, paragraphs: &[&str]) -> String {
    let paragraphs: String = paragraphs.iter().map(|text| format!("<p>{}</p>\n", escape(text))).collect();
    format!("<h1>{}</h1>\n{paragraphs}", escape(title))
}

/// The sheet around HTML that is already safe.
pub fn sheet_body(content: &str) -> String {
    format!("<main class=\"center\"><div class=\"sheet\">\n{MARK}\n{content}\n</div></main>")
}

const MARK: &str = "<div class=\"mark\"><svg viewBox=\"0 0 24 24\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"2\" \
     stroke-linecap=\"round\" stroke-linejoin=\"round\" aria-hidden=\"true\"><path d=\"M3 8h15M14 4l4 4-4 4M21 16H6M10 12l-4 4 4 4\"/></svg></div>";

/// The panel's page; its script takes project and session from the address.
pub fn panel() -> String {
    with_script(
        "GitHub",
        &assets::PANEL.name,
        "<div class=\"page\"><header><h1 id=\"project\">GitHub</h1><span id=\"status\"></span></header>\n\
         <main><div id=\"no-session\" class=\"sheet\" hidden>\n<h2>This page needs a session</h2>\n\
         <p>Open it from your project: the link there brings one along.</p>\n</div>\n\
         <noscript><p>This page needs JavaScript.</p></noscript></main></div>",
    )
}

/// The operators' console.
pub fn console() -> String {
    with_script("Console", &assets::CONSOLE.name, "<lockstep-console></lockstep-console>")
}

/// Asks for an admin key; `refused` after one that was none.
pub fn sign_in(refused: bool) -> String {
    let error = if refused { "<p class=\"error\" role=\"alert\">This is not a valid admin key.</p>\n" } else { "" };
    let form = format!(
        "<h1>Lockstep console</h1>\n<p class=\"muted\">For whoever runs this installation.</p>\n\
         <form method=\"post\" action=\"/console/sign-in\">\n<label for=\"key\">Admin key</label>\n\
         <input id=\"key\" name=\"key\" type=\"password\" autocomplete=\"current-password\" required autofocus>\n{error}\
         <button type=\"submit\">Sign in</button>\n</form>\n\
         <p class=\"muted small after\"><code>lockstep keys create --name NAME</code> makes one.</p>"
    );
    plain("Sign in", &sheet_body(&form))
}

fn with_script(title: &str, script: &str, body: &str) -> String {
    let style = &assets::PAGE.name;
    let head = format!(
        "<link rel=\"stylesheet\" href=\"/assets/{style}\">\n<script type=\"module\" src=\"/assets/{script}\"></script>"
    );
    document(title, &head, body)
}

fn document(title: &str, head: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <link rel=\"icon\" href=\"data:,\">\n<title>{} · Lockstep</title>\n{head}\n</head>\n<body>\n{body}\n</body>\n</html>\n",
        escape(title)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_markup() {
        let page = sheet("<b>\"x\"</b>", &["a & <script>alert(1)</script>"]);
        assert!(page.contains("&lt;b&gt;&quot;x&quot;&lt;/b&gt;"), "{page}");
        assert!(!page.contains("<script>"));
    }

    #[test]
    fn no_page_has_a_script_or_style_that_its_policy_forbids() {
        for page in [panel(), console()] {
            assert!(!page.contains("<style") && !page.contains("onclick"), "{page}");
            assert_eq!(page.matches("<script").count(), page.matches("src=\"/assets/").count());
        }
        assert!(!WITH_SCRIPT.contains("unsafe"));
        assert!(!sign_in(true).contains("<script"));
        assert!(sign_in(true).contains(&format!("<style>{}</style>", *assets::PAGE_STYLE)));
    }
}
