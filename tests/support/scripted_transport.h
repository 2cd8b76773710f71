// ActiveCampaign as a test wants it to answer.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "activecampaign/transport.h"

namespace mbr::test {

// Answers each call with the next line of the script, and keeps what was sent. Takes the token as a
// network does. One thread at a time.
class ScriptedTransport final : public activecampaign::Transport {
 public:
  // What was sent. `query` is "name=value&name=value", not encoded.
  struct Sent {
    std::string line;  // "GET contacts/42?include=contactTags"
    std::string body;
    bool repeatable = false;
  };

  ScriptedTransport& answer(int status, std::string body = "", std::string retryAfter = "");
  ScriptedTransport& fail(Code code, std::string detail = "network");
  // Runs when the next answer is due, after the token was taken.
  ScriptedTransport& meanwhile(std::function<void()> happens);
  // The next answer says what the account takes a second and how much of that is left.
  ScriptedTransport& usage(int limit, int remaining);

  Result<activecampaign::HttpAnswer> send(const activecampaign::HttpCall& call) override;

  const std::vector<Sent>& sent() const { return sent_; }
  // The lines of what was sent, one a row.
  std::string lines() const;
  bool usedUp() const { return script_.empty(); }

 private:
  struct Line {
    Result<activecampaign::HttpAnswer> result;
    std::function<void()> happens;
  };
  std::deque<Line> script_;
  std::function<void()> next_;
  std::optional<std::pair<int, int>> usage_;
  std::vector<Sent> sent_;
};

}  // namespace mbr::test
