--[[
  keys -- every key of a site, from its prefix: the same words as store/keyspace.py, held equal by a test.
]]
local call = redis.call
local C, L, M, A, D = site .. ':c:', site .. ':l:', site .. ':m:', site .. ':a:', site .. ':d:'
local W, I, R = site .. ':w:', site .. ':i:', site .. ':r:'
local N, T, G, EV, V = site .. ':n', site .. ':t', site .. ':g', site .. ':ev', site .. ':v'
local AGENTS, CALLBACKS, SEQ = site .. ':agents', site .. ':k', site .. ':s'
