-- Scripts run in Redis: its globals, and the functions of the files that a script includes (`-- @include name`), which the loader
-- puts in front of it. A function of a file that is not included is an undefined global here, as it would be in Redis.
std = 'lua51'
read_globals = { 'redis', 'cjson', 'cmsgpack', 'bit', 'struct', 'KEYS', 'ARGV' }
max_line_length = 120

local function read(file)
  local handle = assert(io.open(file))
  local text = handle:read('*a')
  handle:close()
  return text
end

local function lines_of(command)
  local handle = assert(io.popen(command))
  local found = {}
  for line in handle:lines() do found[#found + 1] = line end
  handle:close()
  return found
end

-- The names that an include defines at its top level.
local function names_in(file)
  local found = {}
  for line in read(file):gmatch('[^\n]+') do
    local name = line:match('^local function ([%w_]+)')
    if name then found[#found + 1] = name end
    for constant in (line:match('^local ([%w_, ]+) =') or ''):gmatch('[%w_]+') do found[#found + 1] = constant end
  end
  return found
end

local all, by_include = {}, {}
for _, file in ipairs(lines_of('ls lua/include/*.lua')) do
  local names = names_in(file)
  by_include[file:match('([%w_]+)%.lua$')] = names
  for _, name in ipairs(names) do all[#all + 1] = name end
end

-- An include may use others (one level deep, named in its header), and what it defines is used elsewhere.
files['lua/include/'] = { read_globals = all, ignore = { '211', '431' } }
for _, file in ipairs(lines_of("find lua -name '*.lua' -not -path 'lua/include/*'")) do
  local known = {}
  for include in read(file):gmatch('\n%-%- @include ([%w_]+)') do
    for _, name in ipairs(by_include[include] or {}) do known[#known + 1] = name end
  end
  files[file] = { read_globals = known }
end
