// The style sheet and the script of the status page, as they were compiled in.
#pragma once

#include <memory>
#include <string>

#include "http/router.h"

namespace mbr::pages {

// Immutable.
class StatusAssets {
 public:
  StatusAssets();

  // Their paths hold a digest of their text, so a browser may keep them for ever.
  const std::string& stylePath() const { return style_.path; }
  const std::string& scriptPath() const { return script_.path; }

  // Anybody may read them.
  void registerOn(http::Router& router) const;

 private:
  struct Asset {
    std::string path;
    const char* contentType;
    std::shared_ptr<const std::string> text;
  };

  static Asset made(const char* name, const char* ending, const char* contentType,
                    const std::string& text);
  static void registerOn(http::Router& router, const Asset& asset);

  const Asset style_;
  const Asset script_;
};

}  // namespace mbr::pages
