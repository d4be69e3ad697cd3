//! What `http.url` shows of a URL: the integrations for PHP, Ruby and C++ have one rule.

mod support;

use support::hosts::{command, compile_cpp, require, root, Host};

/// URLs, and what is shown of them.
const SHOWN: [(&str, &str); 27] = [
    ("http://h.de:8080/a/b", "http://h.de:8080/a/b"),
    ("/cart?item=7&token=x", "/cart?item&token"),
    ("https://h/?q=hello+world&page=2#frag", "https://h/?q&page"),
    ("https://u:p@h.de:8080/a/b?token=1", "https://h.de:8080/a/b?token"),
    ("//u@h/x?access_token=1", "//h/x?access_token"),
    ("http://u:p@h", "http://h"),
    ("http://u:p@w@h/", "http://h/"),
    ("http://h/a@b?x=1", "http://h/a@b?x"),
    ("/a//u@h", "/a//u@h"),
    ("u:p@h:80/x@y?a=1", "h:80/x@y?a"),
    ("u:p@h", "h"),
    ("http:/x@y", "http:/x@y"),
    ("http://h/?x=u:p@h", "http://h/?x"),
    // An item without a value may be a token, also one in base64, which may end in "=".
    ("http://h/?secret", "http://h/??"),
    ("http://h/?c2VjcmV0PQ==", "http://h/??"),
    ("http://h/?secret=", "http://h/??"),
    ("http://h/?a=1&secret&b=2", "http://h/?a&?&b"),
    ("/x?a==1", "/x?a"),
    ("/x?=1", "/x??"),
    ("/x?a=1?b=2", "/x?a"),
    ("/x?", "/x"),
    ("/x?&&", "/x"),
    ("/x?&a=1&&b=2&", "/x?a&b"),
    ("/x?a=1;secret=2", "/x?a"),
    ("#secret=1", ""),
    ("http://h/\u{fc}?\u{fc}=\u{fc}", "http://h/\u{fc}?\u{fc}"),
    ("", ""),
];

/// Runs a program that writes a line for each line it reads.
fn assert_shows(language: &str, host: Host) {
    let urls: String = SHOWN.iter().map(|(url, _)| format!("{url}\n")).collect();
    let outcome = host.input(&urls).run().ok();
    let lines: Vec<&str> = outcome.stdout.split('\n').collect();
    for ((url, shown), line) in SHOWN.iter().zip(&lines) {
        assert_eq!(line, shown, "{language}: {url}");
    }
    assert_eq!(lines.len(), SHOWN.len() + 1, "{language}: {}", outcome.stderr);
}

#[test]
fn php_ruby_and_cpp_show_the_same_of_a_url() {
    if require("php") {
        let file = root().join("bindings/php/integrations/shared.php");
        let code = "require $argv[1];
            while (($line = fgets(STDIN)) !== false) echo Spanwire\\Integrations\\url_without_secrets(rtrim($line, \"\\n\")), \"\\n\";";
        // Without the library, which is not needed for this.
        let host = command("php").arg("-n").arg("-d").arg("display_errors=stderr").arg("-r").arg(code);
        assert_shows("PHP", host.arg("--").arg(file.display()));
    }
    if require("ruby") {
        let file = root().join("bindings/ruby/lib/spanwire/integrations/http.rb");
        let text = root().join("bindings/ruby/lib/spanwire/text.rb");
        let code = "ARGV.each { |file| require file }
            $stdin.set_encoding('UTF-8').each_line(chomp: true) { |url| puts Spanwire::Integrations::Http.url(url) }";
        assert_shows("Ruby", command("ruby").arg("-w").arg("-e").arg(code).arg(text.display()).arg(file.display()));
    }
    if require("g++") {
        let program = compile_cpp(&root().join("tests/urls/shown.cpp"));
        assert_shows("C++", command(program));
    }
}
