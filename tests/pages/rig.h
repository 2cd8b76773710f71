// What the tests of the pages stand on: the login's rig, and a browser that keeps its cookies.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/encoding.h"
#include "pages/csrf_guard.h"
#include "pages/layout.h"
#include "support/login_rig.h"

namespace mbr::pages {

using Fields = std::map<std::string, std::string>;

inline void assertHas(const std::string& part, const http::Response& response) {
  CPPUNIT_ASSERT_MESSAGE(part + " is not in\n" + response.body,
                         response.body.find(part) != std::string::npos);
}
inline void assertHasNot(const std::string& part, const http::Response& response) {
  CPPUNIT_ASSERT_MESSAGE(part + " is in\n" + response.body,
                         response.body.find(part) == std::string::npos);
}

// A page that may be shown to anybody anywhere: nothing in it runs, loads or is kept.
inline void assertIsPage(int status, const http::Response& response) {
  CPPUNIT_ASSERT_EQUAL_MESSAGE(response.body, status, response.status);
  CPPUNIT_ASSERT_EQUAL(std::string("text/html; charset=utf-8"), response.contentType);
  CPPUNIT_ASSERT_EQUAL(std::size_t{0}, test::headerOf(response, "Content-Security-Policy")
                                           .find("default-src 'none'; style-src 'sha256-"));
  CPPUNIT_ASSERT_EQUAL(std::string("no-store"), test::headerOf(response, "Cache-Control"));
  CPPUNIT_ASSERT_EQUAL(std::string("no-referrer"), test::headerOf(response, "Referrer-Policy"));
  CPPUNIT_ASSERT_EQUAL(std::string("nosniff"), test::headerOf(response, "X-Content-Type-Options"));
  for (const char* foreign : {"<script", "http://", "https://", "url(", "@import"}) {
    assertHasNot(foreign, response);
  }
}

struct PagesRig : test::LoginRig {
  explicit PagesRig(members::LoginOptions options = {}) : LoginRig(std::move(options)) {}

  http::Response get(const std::string& path, const std::string& query = "") {
    return visit(browserRequest("GET", path, query));
  }
  // Sends the form as it was shown last, with these fields filled in.
  http::Response send(const std::string& path, const Fields& fields) {
    get(path);
    return sendAgain(path, fields);
  }
  // The same without a look at the page before.
  http::Response sendAgain(const std::string& path, const Fields& fields) {
    return visit(posting(path, fields));
  }
  http::Request posting(const std::string& path, const Fields& fields) const {
    auto made = browserRequest("POST", path, "");
    made.body = "csrf=" + percentEncode(hidden("csrf"));
    for (const auto& [name, value] : fields) made.body += "&" + name + "=" + percentEncode(value);
    made.contentType = "application/x-www-form-urlencoded";
    return made;
  }
  http::Response visit(const http::Request& asked) {
    page = answer(asked);
    for (const auto& [name, value] : page.headers) {
      if (name != "Set-Cookie") continue;
      const auto equals = value.find('=');
      cookies[value.substr(0, equals)] = value.substr(equals + 1, value.find(';') - equals - 1);
    }
    return page;
  }

  // The value of a hidden field of the page that was shown last.
  std::string hidden(const std::string& name) const {
    const std::string start = R"(<input type="hidden" name=")" + name + R"(" value=")";
    const auto at = page.body.find(start);
    if (at == std::string::npos) return "";
    const auto from = at + start.size();
    return page.body.substr(from, page.body.find('"', from) - from);
  }

  const Layout layout{Texts()};
  const CsrfGuard csrf{keys, random};
  std::map<std::string, std::string> cookies;
  http::Response page;  // shown last

 private:
  http::Request browserRequest(const std::string& method, const std::string& path,
                               const std::string& query) const {
    auto made = request(method, query);
    made.path = path;
    made.https = true;
    std::string sent;
    for (const auto& [name, value] : cookies) {
      if (!value.empty()) sent += (sent.empty() ? "" : "; ") + name + "=" + value;
    }
    if (!sent.empty()) made.headers["cookie"] = sent;
    return made;
  }
};

}  // namespace mbr::pages
