include(GNUInstallDirs)
if(TARGET symmbench)
  install(TARGETS symmbench RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/configs/ DESTINATION ${CMAKE_INSTALL_DATADIR}/symmbench/configs)
install(FILES ${PROJECT_SOURCE_DIR}/README.md ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/app/docs DESTINATION ${CMAKE_INSTALL_DOCDIR}/app
        PATTERN completion EXCLUDE PATTERN "*.1" EXCLUDE)
install(FILES ${PROJECT_SOURCE_DIR}/app/docs/symmbench.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${PROJECT_SOURCE_DIR}/app/docs/completion/symmbench.bash
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME symmbench)
install(FILES ${PROJECT_SOURCE_DIR}/app/docs/completion/_symmbench DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
