#include "common/base/conf.h"
