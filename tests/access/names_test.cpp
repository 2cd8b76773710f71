#include <cppunit/extensions/HelperMacros.h>

#include <string>

#include "access/address.h"
#include "access/purposes.h"
#include "access/scopes.h"

namespace mbr::access {
namespace {

class PurposesTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(PurposesTest);
  CPPUNIT_TEST(theyAreReadAndWrittenByName);
  CPPUNIT_TEST(autologinStandsAlone);
  CPPUNIT_TEST(unknownAndMissingNamesAreRefused);
  CPPUNIT_TEST_SUITE_END();

  void theyAreReadAndWrittenByName() {
    const auto some = Purposes::parse("events,genpass");
    CPPUNIT_ASSERT(some->has(Purpose::kGenpass) && some->has(Purpose::kEvents));
    CPPUNIT_ASSERT(!some->has(Purpose::kAuth) && !some->has(Purpose::kAutologin));
    CPPUNIT_ASSERT_EQUAL(std::string("genpass,events"), some->text());
    const std::string all = "genpass,events,clearuser,auth";
    CPPUNIT_ASSERT_EQUAL(all, Purposes::parse(all)->text());
  }

  void autologinStandsAlone() {
    CPPUNIT_ASSERT(Purposes::parse("autologin").ok());
    CPPUNIT_ASSERT(!Purposes::parse("autologin,genpass"));
    CPPUNIT_ASSERT(!Purposes({Purpose::kAuth, Purpose::kAutologin}).validate());
  }

  void unknownAndMissingNamesAreRefused() {
    for (const char* text : {"", ",", "genpass,", "Genpass", " genpass", "login"}) {
      CPPUNIT_ASSERT_MESSAGE(text, !Purposes::parse(text));
    }
    CPPUNIT_ASSERT(!Purposes{}.validate());
  }
};

class ScopesTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ScopesTest);
  CPPUNIT_TEST(theyAreReadAndWrittenByName);
  CPPUNIT_TEST(noScopeImpliesAnother);
  CPPUNIT_TEST(unknownAndMissingNamesAreRefused);
  CPPUNIT_TEST_SUITE_END();

  void theyAreReadAndWrittenByName() {
    CPPUNIT_ASSERT_EQUAL(std::string("login,contacts:read"),
                         Scopes::parse("contacts:read,login,login")->text());
    CPPUNIT_ASSERT(Scopes::parse(Scopes::all().text()).value() == Scopes::all());
    CPPUNIT_ASSERT_EQUAL(std::string("contacts:write"),
                         std::string(toString(Scope::kContactsWrite)));
  }

  void noScopeImpliesAnother() {
    const Scopes admin{Scope::kAdmin};
    CPPUNIT_ASSERT(admin.has(Scope::kAdmin));
    CPPUNIT_ASSERT(!admin.has(Scope::kLogin) && !admin.has(Scope::kContactsRead) &&
                   !admin.has(Scope::kContactsWrite));
  }

  void unknownAndMissingNamesAreRefused() {
    for (const char* text : {"", "login,", "contacts", "all", "login, admin"}) {
      CPPUNIT_ASSERT_MESSAGE(text, !Scopes::parse(text));
    }
  }
};

class AddressTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(AddressTest);
  CPPUNIT_TEST(literalAddressesAreRead);
  CPPUNIT_TEST(ipv6CountsByItsNetworkOf64Bits);
  CPPUNIT_TEST(ipv4InsideIpv6IsIpv4);
  CPPUNIT_TEST(anythingElseIsRefused);
  CPPUNIT_TEST_SUITE_END();

  void literalAddressesAreRead() {
    CPPUNIT_ASSERT_EQUAL(std::string("\xC0\x00\x02\x01", 4), Address::parse("192.0.2.1")->bytes());
    CPPUNIT_ASSERT_EQUAL(std::size_t{8}, Address::parse("2001:db8::1")->bytes().size());
    CPPUNIT_ASSERT(Address::parse("192.0.2.1").value() == Address::parse("192.0.2.1").value());
    CPPUNIT_ASSERT(!(Address::parse("192.0.2.1").value() == Address::parse("192.0.2.2").value()));
  }

  void ipv6CountsByItsNetworkOf64Bits() {
    const auto one = Address::parse("2001:db8:1:2::1").value();
    CPPUNIT_ASSERT(one == Address::parse("2001:0DB8:1:2:ffff:ffff:ffff:ffff").value());
    CPPUNIT_ASSERT(!(one == Address::parse("2001:db8:1:3::1").value()));
  }

  void ipv4InsideIpv6IsIpv4() {
    CPPUNIT_ASSERT(Address::parse("::ffff:192.0.2.1").value() ==
                   Address::parse("192.0.2.1").value());
  }

  void anythingElseIsRefused() {
    for (const char* text :
         {"", " ", "localhost", "192.0.2", "192.0.2.256", "192.0.2.01", "192.0.2.1 ",
          "192.0.2.1:80", "[::1]", "fe80::1%eth0", "1::2::3", "0x7f.0.0.1", "2130706433"}) {
      CPPUNIT_ASSERT_MESSAGE(text, !Address::parse(text));
    }
    CPPUNIT_ASSERT(!Address::parse(std::string_view("192.0.2.1\0junk", 14)));
    CPPUNIT_ASSERT(!Address::parse(std::string(1000, '1')));
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(PurposesTest);
CPPUNIT_TEST_SUITE_REGISTRATION(ScopesTest);
CPPUNIT_TEST_SUITE_REGISTRATION(AddressTest);

}  // namespace
}  // namespace mbr::access
