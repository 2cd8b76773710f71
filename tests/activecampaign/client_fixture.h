// A client on a scripted network, for the tests of its calls.
#pragma once

#include <cppunit/TestFixture.h>

#include <string>

#include "activecampaign/client.h"
#include "support/scripted_transport.h"
#include "support/test_store.h"

namespace mbr::test {

class ClientFixture : public CppUnit::TestFixture {
 public:
  void setUp() override {
    view.nameOf = [](FieldId id) -> std::optional<std::string> {
      return id == 3 ? "PASSWORD" : "FIELD" + std::to_string(id);
    };
    view.hidden = {"PASSWORD"};
    view.passwordField = "PASSWORD";
  }

 protected:
  activecampaign::Call call() { return {Lane::kReconcile, clock.steady() + std::chrono::hours{1}}; }

  TestStore store;
  FakeClock& clock = store.clock();
  activecampaign::RateBudget budget{store, clock, activecampaign::Rate(1000)};
  activecampaign::Breaker breaker{clock};
  activecampaign::Features features;
  ScriptedTransport network;
  activecampaign::Client client{network, budget, breaker, features, clock};
  activecampaign::FieldView view;
};

}  // namespace mbr::test
