// The routes below /_sim, by which tests set up, disturb and examine the account.
#pragma once

#include "web.h"
#include "world.h"

namespace acsim {

// `request.parts` begins after /_sim. A flood answers when all is sent.
Answer answerControl(World& world, const Request& request);

}  // namespace acsim
