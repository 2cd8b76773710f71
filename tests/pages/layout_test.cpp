#include "pages/layout.h"

#include <sodium.h>

#include "pages/rig.h"

namespace mbr::pages {

class LayoutTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(LayoutTest);
  CPPUNIT_TEST(foreignTextIsNeverMarkup);
  CPPUNIT_TEST(thePolicyNamesTheHashOfTheStyleThatIsSent);
  CPPUNIT_TEST(nothingIsAllowedBesideTheStyle);
  CPPUNIT_TEST(labelsBelongToTheirInputs);
  CPPUNIT_TEST(theFirstEmptyInputHasTheFocusAndIsDescribedByTheAlert);
  CPPUNIT_TEST(theTextsAreShownAsPlainText);
  CPPUNIT_TEST(aSiteWithoutANameHasNone);
  CPPUNIT_TEST(aRedirectIsKeptNowhere);
  CPPUNIT_TEST_SUITE_END();

  static View loginView(const std::string& email) {
    View view{200, Text::kLoginTitle};
    view.form =
        Form{"/membergate/login",
             Text::kLoginButton,
             {{Input::Kind::kEmail, "email", Text::kEmail, "username", email},
              {Input::Kind::kPassword, "password", Text::kPassword, "current-password", ""}},
             {{"redir", "/a?b=1&c=\"2\""}}};
    return view;
  }

  void foreignTextIsNeverMarkup() {
    CPPUNIT_ASSERT_EQUAL(std::string("&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;amp;"),
                         escaped("<b a=\"1\" c='2'>&amp;"));
    CPPUNIT_ASSERT_EQUAL(std::string("\xc3\xa9 x"), escaped("\xc3\xa9 x"));
    const auto page = Layout{Texts()}.page(loginView("\"><script>x</script>"));
    assertIsPage(200, page);
    assertHas(R"(value="&quot;&gt;&lt;script&gt;x&lt;/script&gt;")", page);
    assertHas(R"(name="redir" value="/a?b=1&amp;c=&quot;2&quot;")", page);
  }

  void thePolicyNamesTheHashOfTheStyleThatIsSent() {
    const auto page = Layout{Texts()}.page(loginView(""));
    const auto begin = page.body.find("<style>") + 7;
    const std::string style = page.body.substr(begin, page.body.find("</style>") - begin);
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(digest, reinterpret_cast<const unsigned char*>(style.data()), style.size());
    char hash[64];
    sodium_bin2base64(hash, sizeof hash, digest, sizeof digest, sodium_base64_VARIANT_ORIGINAL);
    const auto policy = test::headerOf(page, "Content-Security-Policy");
    CPPUNIT_ASSERT_MESSAGE(
        policy, policy.find("style-src 'sha256-" + std::string(hash) + "';") != std::string::npos);
  }

  void nothingIsAllowedBesideTheStyle() {
    const auto page = Layout{Texts()}.page({});
    const auto policy = test::headerOf(page, "Content-Security-Policy");
    CPPUNIT_ASSERT_EQUAL(
        std::string("; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"),
        policy.substr(policy.find("'; form") + 1));
    assertHasNot("style=", page);
    assertHasNot(" on", page);
  }

  void labelsBelongToTheirInputs() {
    const auto page = Layout{Texts()}.page(loginView(""));
    assertHas(R"(<label for="email">E-mail</label>)", page);
    assertHas(R"(<input id="email" name="email" type="text" inputmode="email")", page);
    assertHas(R"(autocomplete="username")", page);
    assertHas(R"(<label for="password">Password</label>)", page);
    assertHas(R"(<input id="password" name="password" type="password")", page);
    assertHas(R"(autocomplete="current-password")", page);
    assertHas(R"(<html lang="en" dir="ltr">)", page);
    assertHas(R"(<meta name="viewport" content="width=device-width, initial-scale=1">)", page);
  }

  void theFirstEmptyInputHasTheFocusAndIsDescribedByTheAlert() {
    View view = loginView("a@b.c");
    view.alert = Text::kLoginWrong;
    const auto page = Layout{Texts()}.page(view);
    assertHas(R"(<p role="alert" id="alert">E-mail or password is wrong.</p>)", page);
    assertHas(R"(autocomplete="current-password" aria-describedby="alert" required autofocus>)",
              page);
    assertHas(R"(value="a@b.c" aria-describedby="alert" required>)", page);
    assertHas("required autofocus>\n<label", Layout{Texts()}.page(loginView("")));
  }

  void theTextsAreShownAsPlainText() {
    const Layout layout{
        *Texts::parse("lang = ar\ndirection = rtl\nlogin.title = <Log> & \"in\"\nsite_name = A<B")};
    const auto page = layout.page(loginView(""));
    assertHas(R"(<html lang="ar" dir="rtl">)", page);
    assertHas("<title>&lt;Log&gt; &amp; &quot;in&quot; – A&lt;B</title>", page);
    assertHas("<h1>&lt;Log&gt; &amp; &quot;in&quot;</h1>", page);
    assertHas(R"(<p class="site">A&lt;B</p>)", page);
  }

  void aSiteWithoutANameHasNone() {
    const auto page = Layout{*Texts::parse("site_name =")}.page({});
    assertHas("<title>Log in</title>", page);
    assertHasNot("class=\"site\"", page);
  }

  void aRedirectIsKeptNowhere() {
    const auto redirect = Layout::redirect("/a");
    CPPUNIT_ASSERT_EQUAL(303, redirect.status);
    CPPUNIT_ASSERT_EQUAL(std::string("/a"), test::headerOf(redirect, "Location"));
    CPPUNIT_ASSERT_EQUAL(std::string("no-store"), test::headerOf(redirect, "Cache-Control"));
    CPPUNIT_ASSERT(redirect.body.empty());
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(LayoutTest);

}  // namespace mbr::pages
