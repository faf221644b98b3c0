--[[
  keys -- every key of a site, from its prefix: the same words as store/keyspace.py, held equal by a test.
]]
local call = redis.call
local C = site .. ':c:'
local L = site .. ':l:'
local M = site .. ':m:'
local F = site .. ':f:'
local O = site .. ':o:'
local A = site .. ':a:'
local D = site .. ':d:'
local W = site .. ':w:'
local I = site .. ':i:'
local R = site .. ':r:'
local KN = site .. ':kn:'
local N = site .. ':n'
local T = site .. ':t'
local G = site .. ':g'
local EV = site .. ':ev'
local V = site .. ':v'
local AGENTS = site .. ':agents'
local CALLBACKS = site .. ':k'
local CLOSED = site .. ':closed'
local SEQ = site .. ':s'
