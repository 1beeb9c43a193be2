// Where the search for a maximum starts: compilers may assume that there is no infinity.
const LOWEST: f32 = -3.4028234e38; // -FLT_MAX
