#include "access/codes.h"

#include <cppunit/extensions/HelperMacros.h>

#include <map>
#include <string>

#include "access/event_hook_code.h"
#include "access/rig.h"
#include "base/encoding.h"

namespace mbr::access {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using test::keyLine;

const Purposes kGenpassOnly{Purpose::kGenpass};

class CodesTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(CodesTest);
  CPPUNIT_TEST(aNewCodeHas32LettersAndDigitsAndOpensItsPurposesOnly);
  CPPUNIT_TEST(onlyAKeyedDigestIsKept);
  CPPUNIT_TEST(wrongCodesAreRefused);
  CPPUNIT_TEST(eachOfManyCodesIsFoundByItsOwnText);
  CPPUNIT_TEST(aNameIsTakenOnlyWhileItsCodeIsInForce);
  CPPUNIT_TEST(badNamesAndPurposesAreRefused);
  CPPUNIT_TEST(anExistingCodeIsTakenOver);
  CPPUNIT_TEST(valuesThatCannotBeCodesAreRefused);
  CPPUNIT_TEST(oneTextIsNeverInForceTwice);
  CPPUNIT_TEST(aRevokedCodeIsRefusedAtOnce);
  CPPUNIT_TEST(aChangeByAnotherProcessIsSeenOnceItIsAnnounced);
  CPPUNIT_TEST(withoutTheStoreTheCodesKnownStayInForce);
  CPPUNIT_TEST(codesOutliveARotationOfTheMasterKey);
  CPPUNIT_TEST(aCodeWhoseMasterKeyIsGoneIsRefusedAndTheOthersServe);
  CPPUNIT_TEST(theListShowsRevokedOnesToo);
  CPPUNIT_TEST(theEventHooksOwnCodeOpensEventsAlone);
  CPPUNIT_TEST(aRotatedHookCodeKeepsItsPredecessorForADay);
  CPPUNIT_TEST(anotherProcessAcceptsARotatedHookCodeBeforeItHearsOfIt);
  CPPUNIT_TEST(theHooksCodeSurvivesARotationOfTheMasterKey);
  CPPUNIT_TEST_SUITE_END();

  test::FakeClock clock;
  test::SeededRandom random;
  const passwords::KeyRing keys = test::keyRing();
  const passwords::KeyRing rotated = test::keyRing(keyLine("k2", '2') + keyLine("k1", '1'));
  test::TestStore database{clock};
  SwitchedStore store{database.store()};
  Codes codes{store, keys, random, clock};

  bool opens(Codes& where, Purpose purpose, std::string_view text) {
    return where.authenticate(purpose, text).has_value();
  }
  bool opens(Purpose purpose, const Secret& code) { return opens(codes, purpose, code.reveal()); }

  void aNewCodeHas32LettersAndDigitsAndOpensItsPurposesOnly() {
    const auto code = codes.create("shop", {Purpose::kGenpass, Purpose::kAuth});
    CPPUNIT_ASSERT_EQUAL(std::size_t{32}, code->size());
    CPPUNIT_ASSERT(code->reveal().find_first_not_of(
                       "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") ==
                   std::string::npos);
    const auto info = codes.authenticate(Purpose::kGenpass, code->reveal());
    CPPUNIT_ASSERT(info.has_value());
    CPPUNIT_ASSERT_EQUAL(std::string("shop"), info->name);
    CPPUNIT_ASSERT(info->id > 0);
    CPPUNIT_ASSERT(opens(Purpose::kAuth, *code));
    CPPUNIT_ASSERT(!opens(Purpose::kEvents, *code));
    CPPUNIT_ASSERT(!opens(Purpose::kClearuser, *code));
    CPPUNIT_ASSERT(!opens(Purpose::kAutologin, *code));
  }

  void onlyAKeyedDigestIsKept() {
    const auto code = codes.create("shop", kGenpassOnly);
    CPPUNIT_ASSERT(store
                       .read([&](store::Reader& reader) -> Outcome {
                         const auto record = reader.listCodes().at(0);
                         CPPUNIT_ASSERT(record.digest == keys.mac("code", code->reveal()));
                         CPPUNIT_ASSERT_EQUAL(std::string("k1"), record.keyId);
                         return Done{};
                       })
                       .ok());
  }

  void wrongCodesAreRefused() {
    CPPUNIT_ASSERT(!codes.authenticate(Purpose::kGenpass, ""));
    const std::string code = codes.create("shop", kGenpassOnly)->reveal();
    for (const std::string& text : {std::string(), code + "x", code.substr(0, 31), "x" + code,
                                    std::string(100000, 'a'), code + std::string(1, '\0')}) {
      CPPUNIT_ASSERT(!opens(codes, Purpose::kGenpass, text));
    }
  }

  void eachOfManyCodesIsFoundByItsOwnText() {
    std::map<std::string, Secret> made;
    for (int i = 0; i < 20; ++i) {
      const std::string name = "code-" + std::to_string(i);
      made.emplace(name,
                   codes.create(name, i % 2 ? kGenpassOnly : Purposes{Purpose::kAuth}).value());
    }
    for (const auto& [name, code] : made) {
      const bool isGenpass = (name.back() - '0') % 2 == 1;
      const auto genpass = codes.authenticate(Purpose::kGenpass, code.reveal());
      const auto auth = codes.authenticate(Purpose::kAuth, code.reveal());
      CPPUNIT_ASSERT(genpass.has_value() == isGenpass && auth.has_value() == !isGenpass);
      CPPUNIT_ASSERT_EQUAL(name, (isGenpass ? genpass : auth)->name);
    }
  }

  void aNameIsTakenOnlyWhileItsCodeIsInForce() {
    CPPUNIT_ASSERT(codes.create("shop", kGenpassOnly).ok());
    CPPUNIT_ASSERT(codes.create("shop", kGenpassOnly).error().code == Code::kConflict);
    CPPUNIT_ASSERT(codes.revoke("shop").ok());
    CPPUNIT_ASSERT(codes.create("shop", kGenpassOnly).ok());
  }

  void badNamesAndPurposesAreRefused() {
    for (const std::string& name : {std::string(), std::string("two words"), std::string("a/b"),
                                    std::string("\xc3\xa9"), std::string(65, 'a')}) {
      CPPUNIT_ASSERT(codes.create(name, kGenpassOnly).error().code == Code::kInvalid);
    }
    CPPUNIT_ASSERT(!codes.create("a", {}));
    CPPUNIT_ASSERT(!codes.create("a", {Purpose::kAutologin, Purpose::kAuth}));
    CPPUNIT_ASSERT(codes.create("a", {Purpose::kAutologin}).ok());
  }

  void anExistingCodeIsTakenOver() {
    const auto entry = codes.takeOver("am360", kGenpassOnly, Secret("old%code;+<7"));
    CPPUNIT_ASSERT(entry.ok());
    CPPUNIT_ASSERT(entry->isShort);
    CPPUNIT_ASSERT(opens(codes, Purpose::kGenpass, "old%code;+<7"));
    CPPUNIT_ASSERT(!codes.takeOver("long", kGenpassOnly, Secret("0123456789abcdef"))->isShort);
    CPPUNIT_ASSERT(codes.takeOver("b", kGenpassOnly, Secret("0123456789abcde"))->isShort);
    CPPUNIT_ASSERT(codes.list()->at(0).isShort);
  }

  void valuesThatCannotBeCodesAreRefused() {
    for (const std::string& value :
         {std::string("12345"), std::string(129, 'a'), std::string("with blank"),
          std::string("with&amp"), std::string("with#hash"), std::string("with\ttab"),
          std::string("caf\xc3\xa9-code"), std::string()}) {
      CPPUNIT_ASSERT(codes.takeOver("x", kGenpassOnly, Secret(value)).error().code ==
                     Code::kInvalid);
    }
    CPPUNIT_ASSERT(codes.takeOver("shortest", kGenpassOnly, Secret("123456")).ok());
    CPPUNIT_ASSERT(codes.takeOver("longest", kGenpassOnly, Secret(std::string(128, 'a'))).ok());
  }

  // Two names for one text would combine purposes behind each other's back.
  void oneTextIsNeverInForceTwice() {
    const Secret text("the-same-text");
    CPPUNIT_ASSERT(codes.takeOver("mail", {Purpose::kAutologin}, text).ok());
    CPPUNIT_ASSERT(codes.takeOver("hook", kGenpassOnly, text).error().code == Code::kConflict);
    Codes later(store, rotated, random, clock);
    CPPUNIT_ASSERT(later.takeOver("hook", kGenpassOnly, text).error().code == Code::kConflict);
    CPPUNIT_ASSERT(codes.revoke("mail").ok());
    CPPUNIT_ASSERT(codes.takeOver("hook", kGenpassOnly, text).ok());
    CPPUNIT_ASSERT(!opens(codes, Purpose::kAutologin, text.reveal()));
  }

  void aRevokedCodeIsRefusedAtOnce() {
    const auto first = codes.create("first", kGenpassOnly);
    const auto second = codes.create("second", kGenpassOnly);
    CPPUNIT_ASSERT(opens(Purpose::kGenpass, *first));
    CPPUNIT_ASSERT(codes.revoke("first").ok());
    CPPUNIT_ASSERT(!opens(Purpose::kGenpass, *first));
    CPPUNIT_ASSERT(opens(Purpose::kGenpass, *second));
    CPPUNIT_ASSERT(codes.revoke("first").error().code == Code::kNotFound);
    CPPUNIT_ASSERT(codes.revoke("never").error().code == Code::kNotFound);
  }

  void aChangeByAnotherProcessIsSeenOnceItIsAnnounced() {
    Codes other(store, keys, random, clock);
    CPPUNIT_ASSERT(codes.reload().ok());
    const auto code = other.create("shop", kGenpassOnly);
    CPPUNIT_ASSERT(!opens(Purpose::kGenpass, *code));
    codes.onChange();
    CPPUNIT_ASSERT(opens(Purpose::kGenpass, *code));
    const int reads = store.reads;
    for (int i = 0; i < 100; ++i) (void)opens(Purpose::kGenpass, *code);
    CPPUNIT_ASSERT_EQUAL(reads, store.reads.load());
    CPPUNIT_ASSERT(other.revoke("shop").ok());
    codes.onChange();
    CPPUNIT_ASSERT(!opens(Purpose::kGenpass, *code));
  }

  void withoutTheStoreTheCodesKnownStayInForce() {
    const auto code = codes.create("shop", kGenpassOnly);
    CPPUNIT_ASSERT(opens(Purpose::kGenpass, *code));
    store.down = true;
    codes.onChange();
    CPPUNIT_ASSERT(opens(Purpose::kGenpass, *code));
    CPPUNIT_ASSERT(codes.create("other", kGenpassOnly).error().code == Code::kUnavailable);
    CPPUNIT_ASSERT(codes.reload().error().code == Code::kUnavailable);
    Codes fresh(store, keys, random, clock);
    CPPUNIT_ASSERT(!opens(fresh, Purpose::kGenpass, code->reveal()));
    store.down = false;
    CPPUNIT_ASSERT(codes.revoke("shop").ok());
    clock.advance(milliseconds{100});
    CPPUNIT_ASSERT(!opens(Purpose::kGenpass, *code));
  }

  void codesOutliveARotationOfTheMasterKey() {
    const auto old = codes.create("old", kGenpassOnly);
    Codes later(store, rotated, random, clock);
    const auto fresh = later.create("fresh", kGenpassOnly);
    CPPUNIT_ASSERT(opens(later, Purpose::kGenpass, old->reveal()));
    CPPUNIT_ASSERT(opens(later, Purpose::kGenpass, fresh->reveal()));
    CPPUNIT_ASSERT_EQUAL(std::string("old"),
                         later.authenticate(Purpose::kGenpass, old->reveal())->name);
  }

  void aCodeWhoseMasterKeyIsGoneIsRefusedAndTheOthersServe() {
    const auto old = codes.create("old", kGenpassOnly);
    const passwords::KeyRing other = test::keyRing(keyLine("k2", '2'));
    Codes later(store, other, random, clock);
    const auto fresh = later.create("fresh", kGenpassOnly);
    CPPUNIT_ASSERT(!opens(later, Purpose::kGenpass, old->reveal()));
    CPPUNIT_ASSERT(opens(later, Purpose::kGenpass, fresh->reveal()));
  }

  void theListShowsRevokedOnesToo() {
    CPPUNIT_ASSERT(codes.create("a", {Purpose::kEvents, Purpose::kGenpass}).ok());
    clock.advance(seconds{5});
    CPPUNIT_ASSERT(codes.create("b", {Purpose::kAutologin}).ok());
    CPPUNIT_ASSERT(codes.revoke("a").ok());
    const auto list = codes.list();
    CPPUNIT_ASSERT_EQUAL(std::size_t{2}, list->size());
    CPPUNIT_ASSERT_EQUAL(std::string("genpass,events"), list->at(0).purposes.text());
    CPPUNIT_ASSERT(list->at(0).revokedAt && !list->at(1).revokedAt);
    CPPUNIT_ASSERT(list->at(1).createdAt - list->at(0).createdAt == seconds{5});
  }

  void theEventHooksOwnCodeOpensEventsAlone() {
    const auto code = codes.currentEventHookCode();
    CPPUNIT_ASSERT_EQUAL(toBase64Url(keys.mac("event-hook", "1")), code->reveal());
    const auto info = codes.authenticate(Purpose::kEvents, code->reveal());
    CPPUNIT_ASSERT(info.has_value());
    CPPUNIT_ASSERT_EQUAL(std::string("event-hook"), info->name);
    CPPUNIT_ASSERT(!opens(Purpose::kGenpass, *code));
    CPPUNIT_ASSERT(!opens(codes, Purpose::kEvents, code->reveal().substr(1)));
  }

  void aRotatedHookCodeKeepsItsPredecessorForADay() {
    const Secret first = codes.currentEventHookCode().value();
    const Secret second = codes.rotateEventHookCode().value();
    CPPUNIT_ASSERT(!first.equals(second.reveal()));
    CPPUNIT_ASSERT(codes.currentEventHookCode()->equals(second.reveal()));
    CPPUNIT_ASSERT(opens(Purpose::kEvents, first) && opens(Purpose::kEvents, second));
    clock.advance(hours{24} - milliseconds{1});
    CPPUNIT_ASSERT(opens(Purpose::kEvents, first));
    clock.advance(milliseconds{1});
    CPPUNIT_ASSERT(!opens(Purpose::kEvents, first));
    CPPUNIT_ASSERT(opens(Purpose::kEvents, second));
    const Secret third = codes.rotateEventHookCode().value();
    CPPUNIT_ASSERT(opens(Purpose::kEvents, second) && opens(Purpose::kEvents, third));
    CPPUNIT_ASSERT(!opens(Purpose::kEvents, first));
  }

  void anotherProcessAcceptsARotatedHookCodeBeforeItHearsOfIt() {
    CPPUNIT_ASSERT(codes.reload().ok());
    Codes other(store, keys, random, clock);
    const Secret next = other.rotateEventHookCode().value();
    CPPUNIT_ASSERT(opens(Purpose::kEvents, next));
  }

  void theHooksCodeSurvivesARotationOfTheMasterKey() {
    const Secret registered = codes.currentEventHookCode().value();
    Codes later(store, rotated, random, clock);
    CPPUNIT_ASSERT(opens(later, Purpose::kEvents, registered.reveal()));
    CPPUNIT_ASSERT(!later.currentEventHookCode()->equals(registered.reveal()));
    CPPUNIT_ASSERT(opens(later, Purpose::kEvents, later.currentEventHookCode()->reveal()));
  }
};

CPPUNIT_TEST_SUITE_REGISTRATION(CodesTest);

}  // namespace
}  // namespace mbr::access
