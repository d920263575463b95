# What other projects build against: find_package(Dyadic CONFIG), from an
# installed Dyadic or from this build folder.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

# dyadic_export(NAME): installs a library and exports it as Dyadic::NAME, less
# its prefix "Dyadic".
function(dyadic_export name)
  string(REGEX REPLACE "^(Dyadic|dyadic_)(.+)" "\\2" exported ${name})
  set_target_properties(${name} PROPERTIES EXPORT_NAME ${exported})
  install(TARGETS ${name} EXPORT DyadicTargets
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT dyadic-development)
endfunction()

# dyadic_install_package(): once, when all targets are there.
function(dyadic_install_package)
  dyadic_export(dyadic_mlir)
  set(package ${CMAKE_INSTALL_LIBDIR}/cmake/Dyadic)
  set(built ${PROJECT_BINARY_DIR}/lib/cmake/Dyadic)
  foreach(dir include ${PROJECT_BINARY_DIR}/include)
    install(DIRECTORY ${dir}/dyadic DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
      COMPONENT dyadic-development
      FILES_MATCHING PATTERN "*.h" PATTERN "*.td" PATTERN "*.inc")
  endforeach()
  install(EXPORT DyadicTargets NAMESPACE Dyadic:: DESTINATION ${package}
    COMPONENT dyadic-development)
  export(EXPORT DyadicTargets NAMESPACE Dyadic:: FILE ${built}/DyadicTargets.cmake)

  set(template ${PROJECT_SOURCE_DIR}/cmake/DyadicConfig.cmake.in)
  # Installed: below the prefix, wherever that was moved to.
  set(include_dirs ${CMAKE_INSTALL_INCLUDEDIR})
  set(tools_dir ${CMAKE_INSTALL_BINDIR})
  set(plugin ${CMAKE_INSTALL_LIBDIR}/DyadicPlugin.so)
  configure_package_config_file(${template}
    ${PROJECT_BINARY_DIR}/cmake/DyadicConfig.cmake INSTALL_DESTINATION ${package}
    PATH_VARS include_dirs tools_dir plugin)
  # Built: in two folders.
  set(include_dirs "${PROJECT_SOURCE_DIR}/include;${PROJECT_BINARY_DIR}/include")
  set(tools_dir ${PROJECT_BINARY_DIR}/bin)
  set(plugin ${PROJECT_BINARY_DIR}/lib/DyadicPlugin.so)
  foreach(variable include_dirs tools_dir plugin)
    set(PACKAGE_${variable} "${${variable}}")
  endforeach()
  set(PACKAGE_INIT "")
  configure_file(${template} ${built}/DyadicConfig.cmake @ONLY)

  write_basic_package_version_file(${built}/DyadicConfigVersion.cmake
    COMPATIBILITY SameMinorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/cmake/DyadicConfig.cmake
    ${built}/DyadicConfigVersion.cmake
    DESTINATION ${package} COMPONENT dyadic-development)
endfunction()
